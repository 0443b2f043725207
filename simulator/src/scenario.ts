import type { EngineConfig } from '@enjambre/peer-agent/domain/download/config';
import type { ContentSize } from './token-layout.js';

/** One machine. Rates in bytes per second. */
export interface HostSpec {
  readonly up: number;
  readonly down: number;
  /** One-way latency to the middle of the network; between two hosts it is the sum of both. */
  readonly latencyMs: number;
  /** Location; unknown if absent. */
  readonly zone?: string;
  /** True for a seeder, which has all pieces from the start. */
  readonly seeder?: boolean;
  /** @default at 0 ms */
  readonly joins?: Moment;
  /** Time of its death; never if absent. */
  readonly dies?: Moment;
  /** Sends every n-th block with bad bytes. */
  readonly corruptsEvery?: number;
  /** Bytes per second hashed and written; if absent, both take no time. */
  readonly diskRate?: number;
}

/** A moment: a time, or an average progress of the hosts that joined at the start. */
export type Moment = { readonly ms: number } | { readonly share: number };

/** A run described as data: together with a seed it reproduces the run exactly. */
export interface Scenario {
  readonly name: string;
  readonly content: ContentSize;
  readonly hosts: readonly HostSpec[];
  /** Delay until other hosts notice the death of a host. @default as soon as a message could arrive */
  readonly noticeMs?: number;
  /** Bytes per second from each zone to each other, for all its hosts together. @default unlimited */
  readonly trunk?: number;
  /** Hosts have no labels: they are in zones without knowing it. @default false */
  readonly blind?: boolean;
  /** Constants of every downloader's engine that differ from the agent's. @default none */
  readonly engine?: Partial<EngineConfig>;
}
