import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import { peerNamed } from '../../../test/support/ids.js';
import { DEFAULT_ENGINE_CONFIG } from './config.js';
import { hindranceOf, type EngineLoad } from './hindrance.js';
import { PeerState } from './peer-state.js';

const BUSY: EngineLoad = {
  rateWasFull: false,
  budgetWasFull: false,
  storingBytes: 0,
  inFlightBytes: 100,
  allAsked: false,
};

function peer(fields: Partial<Pick<PeerState, 'choked' | 'namedRequests'>> = {}): PeerState {
  const state = new PeerState(peerNamed('p'), Bitfield.empty(1), DEFAULT_ENGINE_CONFIG, 0);
  return Object.assign(state, fields);
}

describe('what keeps a download from asking for more', () => {
  it.each([
    ['peers', [peer({ namedRequests: 1 })], {}, true],
    ['peers', [peer()], {}, false],
    ['held-back', [peer()], {}, true],
    ['rate', [peer({ namedRequests: 1 })], { rateWasFull: true }, false],
    ['disk', [peer({ namedRequests: 1 })], { budgetWasFull: true, storingBytes: 100 }, false],
    ['peers', [peer({ namedRequests: 1 })], { budgetWasFull: true, storingBytes: 99 }, false],
    ['disk', [peer()], { storingBytes: 1, inFlightBytes: 0, allAsked: true }, true],
    ['disk', [], { storingBytes: 1, inFlightBytes: 0 }, true],
    ['nothing-there', [peer()], { storingBytes: 1, inFlightBytes: 0 }, true],
    ['nothing-there', [peer(), peer({ choked: true })], { inFlightBytes: 0 }, true],
    ['choked', [peer({ choked: true })], { inFlightBytes: 0 }, true],
    ['nobody', [], { inFlightBytes: 0 }, true],
  ] as const)('is "%s"', (expected, peers, load, stalled) => {
    expect(hindranceOf(peers, { ...BUSY, ...load }, stalled)).toBe(expected);
  });
});
