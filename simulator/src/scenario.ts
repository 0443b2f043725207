import type { EngineConfig } from '@enjambre/peer-agent/domain/download/config';
import type { ContentSize } from './token-layout.js';

/** One machine. Rates in bytes a second. */
export interface HostSpec {
  readonly up: number;
  readonly down: number;
  /** One way to the middle of the network: between two hosts it is the sum of both. */
  readonly latencyMs: number;
  /** Where it stands; without it, nobody knows. */
  readonly zone?: string;
  /** Has everything from the start, and downloads nothing. */
  readonly seeder?: boolean;
  /** @default at 0 ms */
  readonly joins?: Moment;
  /** Killed then; never, without it. */
  readonly dies?: Moment;
  /** Sends every so-manieth block wrong. */
  readonly corruptsEvery?: number;
  /** Bytes a second hashed and written; without it, both take no time. */
  readonly diskRate?: number;
}

/** When something happens: at a time, or when those who joined at the start have so much of the content on average. */
export type Moment = { readonly ms: number } | { readonly share: number };

/** A run described as data: with its seed it says exactly what happens. */
export interface Scenario {
  readonly name: string;
  readonly content: ContentSize;
  readonly hosts: readonly HostSpec[];
  /** A dead host's links are noticed by the others after so long. @default as soon as a message could arrive */
  readonly noticeMs?: number;
  /** Bytes a second from each zone to each other, for all its hosts together. @default as much as hosts can send */
  readonly trunk?: number;
  /** Hosts have no labels: they stand in zones, but do not know it. @default false */
  readonly blind?: boolean;
  /** Constants of every downloader's engine that differ from the agent's. @default none */
  readonly engine?: Partial<EngineConfig>;
}
