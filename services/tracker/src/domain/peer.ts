import type { PeerId } from '@enjambre/core/ids';
import type { Labels } from '@enjambre/core/labels';

/** A connected agent, as it introduced itself. */
export interface PeerInfo {
  readonly id: PeerId;
  readonly name: string;
  /** Where it serves other peers: "host:port". */
  readonly endpoint: string;
  readonly labels: Labels;
  readonly version: string;
}
