import type { PeerId } from '@enjambre/core/ids';
import type { SourceEvent } from '../source-event.js';

/** A peer, and where it is to be reached. */
export interface CandidateAddress {
  readonly peerId: PeerId;
  readonly endpoint: string;
  /** All of them. @default `endpoint` alone */
  readonly endpoints?: readonly string[];
}

/** What is told of the peers of a swarm. */
export interface PeerChange<Address extends CandidateAddress> {
  /** These are all that there are. */
  readonly snapshot: boolean;
  readonly upserted: readonly Address[];
  readonly removed: readonly PeerId[];
}

/** What happened, told to {@link Candidates}. A source joins when both ends of its link said hello, and leaves when the link ends. */
export type CandidateEvent<Address extends CandidateAddress> =
  | SourceEvent
  | ({ readonly type: 'peers' } & PeerChange<Address>)
  /** A block was requested of the peer. */
  | { readonly type: 'asked'; readonly source: PeerId }
  | { readonly type: 'tick' };

/** Why a link is given up: banned; the tracker named another peer; another one is tried for a while. */
export type CloseReason = 'banned' | 'replaced' | 'set-aside';

/** What is to be done, in this order. */
export type CandidateEffect<Address extends CandidateAddress> =
  /** There is no link to the peer. Answered by `source-joined` or `source-left`. */
  | { readonly type: 'open'; readonly address: Address }
  | { readonly type: 'close'; readonly peer: PeerId; readonly reason: CloseReason }
  /** Most of the peers that the tracker names are of no use: others are to be named. */
  | { readonly type: 'widen' };
