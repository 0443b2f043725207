import type { BlockRef } from '../../block.js';
import type { Random } from '../../random.js';
import type { ActivePiece } from './active-piece.js';
import type { PeerState } from '../peer-state.js';
import type { PiecePicker } from './piece-picker.js';
import { rarestFirst } from './rarest-first.js';

/** Restrictions on the pieces that a peer may be asked for. */
export interface PieceLimits {
  /** True if the peer may take a parole piece. */
  readonly isFitForParole: (piece: number) => boolean;
  /** True if the peer may start a piece. @default any piece */
  readonly admits?: ((piece: number) => boolean) | undefined;
}

/**
 * The next unrequested block for a peer: from started pieces first, its own before orphans; then from a new piece,
 * rarest first; if there are none, from the shared piece with the most blocks left. Undefined if the peer has no free
 * block.
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

/** The same, but only from pieces that were started by the peer, or by one that no longer works on them. */
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
