import type { PeerId } from '@enjambre/core/ids';
import type { Labels } from '@enjambre/core/labels';

/** The host of the tracker, as the host of an agent. */
export const HERE = '';

/** Endpoints at which a peer serves others, each "host:port", best first. All lists are empty if none was accepted. */
export interface Reach {
  /** For peers on other hosts. */
  readonly elsewhere: readonly string[];
  /**
   * Additional endpoints for peers on its own host, or behind the same NAT: loopback and link-local addresses, and those
   * that the tracker cannot verify.
   */
  readonly ownHost: readonly string[];
  /**
   * Its host, as identified by the tracker that it is connected to: the address that the tracker sees,
   * {@link HERE}, or the identity of another tracker's host.
   */
  readonly host: string;
  /**
   * Ports at which it listens on all addresses of this tracker's host: others reach it at the address at
   * which they reach the tracker. Empty unless the host is {@link HERE}.
   */
  readonly ports: readonly { readonly port: number; readonly onlyIpv4: boolean }[];
}

/** A connected agent, as introduced by its hello. */
export interface PeerInfo {
  readonly id: PeerId;
  readonly name: string;
  /** Endpoint at which it serves other peers, for people: "host:port"; empty if it has none. */
  readonly endpoint: string;
  readonly reach: Reach;
  readonly labels: Labels;
  readonly version: string;
}

/** The first endpoint; empty if there is none. */
export function mainEndpoint({ elsewhere, ownHost }: Pick<Reach, 'elsewhere' | 'ownHost'>): string {
  return elsewhere[0] ?? ownHost[0] ?? '';
}
