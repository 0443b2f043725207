import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import { peerNamed } from '../../../test/support/ids.js';
import { DEFAULT_ENGINE_CONFIG } from './config.js';
import { PeerState } from './peer-state.js';
import { isFitForParole } from './parole.js';

const PIECE = 2;
const RATIO = 3;

interface Traits {
  readonly choked?: boolean;
  readonly snubbed?: boolean;
  readonly lacksPiece?: boolean;
}

/** A peer that took this many milliseconds per byte; Infinity if it has sent nothing yet. */
function peer(msPerByte: number, { choked, snubbed, lacksPiece }: Traits = {}): PeerState {
  const has = Bitfield.full(4);
  if (lacksPiece) has.clear(PIECE);
  const state = new PeerState(peerNamed('any'), has, DEFAULT_ENGINE_CONFIG, 0);
  if (msPerByte < Infinity) state.received(100, 100 * msPerByte);
  if (choked) state.choked();
  if (snubbed) state.snubbed();
  return state;
}

function isFit(one: PeerState, ...others: readonly PeerState[]): boolean {
  return isFitForParole(one, PIECE, [one, ...others], RATIO);
}

describe('fitness to send a piece alone', () => {
  it('is given for the only peer, even if it has sent nothing yet', () => {
    expect(isFit(peer(5))).toBe(true);
    expect(isFit(peer(Infinity))).toBe(true);
  });

  it('is given up to the ratio, and not beyond', () => {
    expect(isFit(peer(3), peer(1), peer(2))).toBe(true);
    expect(isFit(peer(3.01), peer(1), peer(2))).toBe(false);
  });

  it('is not given for a peer that has sent nothing yet while another sends', () => {
    expect(isFit(peer(Infinity), peer(100))).toBe(false);
    expect(isFit(peer(Infinity), peer(Infinity))).toBe(true);
  });

  it('is not measured against peers that cannot send the piece', () => {
    for (const why of ['choked', 'snubbed', 'lacksPiece'] as const) {
      expect(isFit(peer(100), peer(1, { [why]: true }))).toBe(true);
    }
  });

  it('is given for a silent peer only if no other could send the piece', () => {
    const silent = peer(1, { snubbed: true });
    expect(isFit(silent)).toBe(true);
    expect(isFit(silent, peer(Infinity, { choked: true }), peer(1, { lacksPiece: true }))).toBe(true);
    expect(isFit(silent, peer(1, { snubbed: true }))).toBe(true);
    expect(isFit(silent, peer(1000))).toBe(false);
  });
});
