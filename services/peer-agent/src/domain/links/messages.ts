import type { PeerId } from '@enjambre/core/ids';

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

/** What happened, told to {@link Candidates}. */
export type CandidateEvent<Address extends CandidateAddress> =
  | ({ readonly type: 'peers' } & PeerChange<Address>)
  /** Both ends of a link said hello. */
  | { readonly type: 'ready'; readonly peer: PeerId }
  /** A block was requested of the peer. */
  | { readonly type: 'asked'; readonly peer: PeerId }
  /** A block came, or a part of one. */
  | { readonly type: 'answered'; readonly peer: PeerId; readonly whole: boolean }
  | { readonly type: 'rejected'; readonly peer: PeerId }
  /** The link ended, whoever ended it, other than by a `close`. */
  | { readonly type: 'lost'; readonly peer: PeerId }
  | { readonly type: 'tick' };

/** Why a link is given up: banned; the tracker named another peer; another one is tried for a while. */
export type CloseReason = 'banned' | 'replaced' | 'set-aside';

/** What is to be done, in this order. */
export type CandidateEffect<Address extends CandidateAddress> =
  /** There is no link to the peer. Answered by `ready` or `lost`. */
  | { readonly type: 'open'; readonly address: Address }
  | { readonly type: 'close'; readonly peer: PeerId; readonly reason: CloseReason }
  /** Most of the peers that the tracker names are of no use: others are to be named. */
  | { readonly type: 'widen' };
