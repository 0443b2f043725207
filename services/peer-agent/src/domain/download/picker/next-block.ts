import type { BlockRef } from '../../block.js';
import type { Random } from '../../random.js';
import type { ActivePiece } from './active-piece.js';
import type { PeerState } from '../peer-state.js';
import type { PiecePicker } from './piece-picker.js';
import { rarestFirst } from './rarest-first.js';

/** What keeps a peer from being asked for a piece that it has. */
export interface PieceLimits {
  /** Whether the peer may take a piece that has to come from one. */
  readonly isFitForParole: (piece: number) => boolean;
  /** Whether it may be asked to begin with a piece. @default it may with any */
  readonly admits?: ((piece: number) => boolean) | undefined;
}

/**
 * The next block that nobody was asked for, for one peer: started pieces first, its own
 * before orphans, then a new piece, rarest first; and when there are no new ones, a
 * share of the piece of which most is left. Undefined if it has nothing that is free.
 */
export function nextBlock(
  picker: PiecePicker,
  peer: PeerState,
  random: Random,
  limits: PieceLimits,
): BlockRef | undefined {
  return (
    startedBlock(picker, peer, limits) ??
    newBlock(picker, peer, random, limits) ??
    sharedBlock(picker, peer, limits)
  );
}

/** The same, but only of pieces that the peer, or one that does not work on them any more, has begun. */
export function startedBlock(
  picker: PiecePicker,
  peer: PeerState,
  limits: PieceLimits,
): BlockRef | undefined {
  return ownBlock(picker, peer) ?? orphanBlock(picker, peer, limits);
}

function ownBlock(picker: PiecePicker, peer: PeerState): BlockRef | undefined {
  for (const piece of peer.owned) {
    const ref = picker.freeBlock(piece);
    if (ref) return ref;
    peer.unassigned(piece);
  }
  return undefined;
}

function orphanBlock(
  picker: PiecePicker,
  peer: PeerState,
  { isFitForParole, admits }: PieceLimits,
): BlockRef | undefined {
  for (const piece of picker.orphans) {
    if (!peer.has.has(piece.index) || (piece.onParole && !isFitForParole(piece.index))) continue;
    if (admits && !admits(piece.index)) continue;
    const ref = picker.freeBlock(piece);
    if (!ref) continue;
    picker.orphans.delete(piece);
    peer.assigned(piece);
    return ref;
  }
  return undefined;
}

function newBlock(
  picker: PiecePicker,
  peer: PeerState,
  random: Random,
  { isFitForParole, admits }: PieceLimits,
): BlockRef | undefined {
  const { counts, rarest } = picker.availability;
  const index = rarestFirst(picker.wantedBy(isFitForParole), peer.has, {
    availability: counts,
    rarest,
    random,
    admits,
  });
  if (index === -1) return undefined;
  const piece = picker.start(index);
  peer.assigned(piece);
  return picker.freeBlock(piece);
}

function sharedBlock(picker: PiecePicker, peer: PeerState, { admits }: PieceLimits): BlockRef | undefined {
  let best: ActivePiece | undefined;
  let bestFree = 0;
  for (const piece of picker.open) {
    if (piece.onParole || !peer.has.has(piece.index)) continue;
    if (admits && !admits(piece.index)) continue;
    const free = piece.freeCount();
    if (free <= bestFree) continue;
    best = piece;
    bestFree = free;
  }
  return best && picker.freeBlock(best);
}
