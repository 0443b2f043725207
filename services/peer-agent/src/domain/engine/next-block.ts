import type { Random } from '../random.js';
import type { ActivePiece } from './active-piece.js';
import type { BlockRef } from './messages.js';
import type { PeerState } from './peer-state.js';
import type { PieceBoard } from './piece-board.js';
import { rarestFirst } from './rarest-first.js';

/** What keeps a peer from being asked for a piece that it has. */
export interface PieceLimits {
  /** Whether the peer may take a piece that has to come from one. */
  readonly isFitAlone: (piece: number) => boolean;
  /** Whether it may be asked to begin with a piece. @default it may with any */
  readonly admits?: ((piece: number) => boolean) | undefined;
}

/**
 * The next block that nobody was asked for, for one peer: started pieces first, its own
 * before orphans, then a new piece, rarest first; and when there are no new ones, a
 * share of the piece of which most is left. Undefined if it has nothing that is free.
 */
export function nextBlock(
  board: PieceBoard,
  peer: PeerState,
  random: Random,
  limits: PieceLimits,
): BlockRef | undefined {
  return (
    startedBlock(board, peer, limits) ??
    newBlock(board, peer, random, limits) ??
    sharedBlock(board, peer, limits)
  );
}

/** The same, but only of pieces that the peer, or one that does not work on them any more, has begun. */
export function startedBlock(board: PieceBoard, peer: PeerState, limits: PieceLimits): BlockRef | undefined {
  return ownBlock(board, peer) ?? orphanBlock(board, peer, limits);
}

function ownBlock(board: PieceBoard, peer: PeerState): BlockRef | undefined {
  for (const piece of peer.owned) {
    const ref = board.freeBlock(piece);
    if (ref) return ref;
    peer.owned.delete(piece);
  }
  return undefined;
}

function orphanBlock(
  board: PieceBoard,
  peer: PeerState,
  { isFitAlone, admits }: PieceLimits,
): BlockRef | undefined {
  for (const piece of board.orphans) {
    if (!peer.has.has(piece.index) || (piece.exclusive && !isFitAlone(piece.index))) continue;
    if (admits && !admits(piece.index)) continue;
    const ref = board.freeBlock(piece);
    if (!ref) continue;
    board.orphans.delete(piece);
    peer.owned.add(piece);
    return ref;
  }
  return undefined;
}

function newBlock(
  board: PieceBoard,
  peer: PeerState,
  random: Random,
  { isFitAlone, admits }: PieceLimits,
): BlockRef | undefined {
  const { counts, rarest } = board.availability;
  const index = rarestFirst(board.wantedBy(isFitAlone), peer.has, {
    availability: counts,
    rarest,
    random,
    admits,
  });
  if (index === -1) return undefined;
  const piece = board.start(index);
  peer.owned.add(piece);
  return board.freeBlock(piece);
}

function sharedBlock(board: PieceBoard, peer: PeerState, { admits }: PieceLimits): BlockRef | undefined {
  let best: ActivePiece | undefined;
  let bestFree = 0;
  for (const piece of board.open) {
    if (piece.exclusive || !peer.has.has(piece.index)) continue;
    if (admits && !admits(piece.index)) continue;
    const free = piece.freeCount();
    if (free <= bestFree) continue;
    best = piece;
    bestFree = free;
  }
  return best && board.freeBlock(best);
}
