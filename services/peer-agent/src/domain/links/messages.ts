import type { PeerId } from '@enjambre/core/ids';
import type { SourceEvent } from '../source-event.js';

/** A peer and its addresses. */
export interface CandidateAddress {
  readonly peerId: PeerId;
  readonly endpoint: string;
  /** All addresses. @default `endpoint` alone */
  readonly endpoints?: readonly string[];
}

/** A change of the peers of a swarm. */
export interface PeerChange<Address extends CandidateAddress> {
  /** `upserted` lists all peers. */
  readonly snapshot: boolean;
  readonly upserted: readonly Address[];
  readonly removed: readonly PeerId[];
}

/**
 * Input of {@link Candidates}. A source joins when both ends of its link have said hello, and leaves when the link
 * ends.
 */
export type CandidateEvent<Address extends CandidateAddress> =
  | SourceEvent
  | ({ readonly type: 'peers' } & PeerChange<Address>)
  /** An address of the peer is dialed; before that, the link waits for its turn (docs/protocol.md). */
  | { readonly type: 'dialed'; readonly source: PeerId }
  /** A block was requested of the peer. */
  | { readonly type: 'asked'; readonly source: PeerId }
  | { readonly type: 'tick' };

/**
 * Why a link is given up: the peer is banned; it is replaced by a newly listed peer; another peer is tried for a while.
 */
export type CloseReason = 'banned' | 'replaced' | 'set-aside';

/** What to do, in this order. */
export type CandidateEffect<Address extends CandidateAddress> =
  /** Opens a link to the peer. Answered by `dialed`, at once or later, and then `source-joined` or `source-left`. */
  | { readonly type: 'open'; readonly address: Address }
  | { readonly type: 'close'; readonly peer: PeerId; readonly reason: CloseReason }
  /** Most of the listed peers are useless: the tracker must list others. */
  | { readonly type: 'widen' };
