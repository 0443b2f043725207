import type { PeerId } from '@enjambre/core/ids';
import type { Labels } from '@enjambre/core/labels';

/** The host of the tracker, as the host of an agent. */
export const HERE = '';

/** Where a peer serves others, each "host:port", best first. Not both lists are empty. */
export interface Reach {
  /** For peers on other hosts. */
  readonly elsewhere: readonly string[];
  /** For peers on its own host, besides: loopback and link-local addresses. */
  readonly ownHost: readonly string[];
  /**
   * Its host, as the tracker that it is connected to knows it: the address that it sees, {@link HERE}, or if that is
   * another tracker's host, an identity of it.
   */
  readonly host: string;
  /**
   * Ports at which it listens at any address of the host of this tracker: others reach it where they reach the tracker.
   * Empty unless it is {@link HERE}.
   */
  readonly ports: readonly { readonly port: number; readonly onlyIpv4: boolean }[];
}

/** A connected agent, as it introduced itself. */
export interface PeerInfo {
  readonly id: PeerId;
  readonly name: string;
  /** Where it serves other peers, for people: "host:port". */
  readonly endpoint: string;
  readonly reach: Reach;
  readonly labels: Labels;
  readonly version: string;
}

/** The first endpoint that there is. */
export function mainEndpoint({ elsewhere, ownHost }: Pick<Reach, 'elsewhere' | 'ownHost'>): string {
  return elsewhere[0] ?? ownHost[0] ?? '';
}
