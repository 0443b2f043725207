import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef } from '../block.js';
import type { Random } from '../random.js';
import { isFitForParole } from './parole.js';
import type { PeerState } from './peer-state.js';
import { nextBlock, startedBlock, type PieceLimits } from './picker/next-block.js';
import type { PiecePicker } from './picker/piece-picker.js';
import { mayGiveMore, type SuperSeeders } from './super-seeding.js';

export interface RequestChoice {
  readonly picker: PiecePicker;
  readonly peers: ReadonlyMap<PeerId, PeerState>;
  readonly random: Random;
  readonly superSeeders: SuperSeeders;
  /** See {@link isFitForParole}. */
  readonly stealRatio: number;
}

/**
 * The next request for a peer: a block, `any` if the peer chooses, undefined if it currently has nothing to give.
 *
 * @param admits see {@link PieceLimits}
 */
export function nextRequest(
  peer: PeerState,
  { picker, peers, random, superSeeders, stealRatio }: RequestChoice,
  admits: PieceLimits['admits'],
): BlockRef | 'any' | undefined {
  const isFit = (piece: number): boolean => isFitForParole(peer, piece, peers.values(), stealRatio);
  const limits = { isFitForParole: isFit, admits };
  if (!peer.superSeeds || !superSeeders.has(peer)) return nextBlock(picker, peer, random, limits);
  return startedBlock(picker, peer, limits) ?? (mayGiveMore(picker, peer) ? 'any' : undefined);
}
