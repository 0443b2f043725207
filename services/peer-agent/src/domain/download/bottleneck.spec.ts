import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import { peerNamed } from '../../../test/support/ids.js';
import { DEFAULT_ENGINE_CONFIG } from './config.js';
import { BottleneckGauge, type EngineLoad } from './bottleneck.js';
import { PeerState } from './peer-state.js';

const BUSY: EngineLoad = {
  storingBytes: 0,
  inFlightBytes: 100,
  allAsked: false,
  stalled: true,
};

function peer({ choked = false, namedRequests = 0 } = {}): PeerState {
  const state = new PeerState(peerNamed('p'), Bitfield.empty(1), DEFAULT_ENGINE_CONFIG, 0);
  if (choked) state.choked();
  for (let block = 0; block < namedRequests; block++) state.requested({ piece: 0, block }, 1, 0);
  return state;
}

describe('the bottleneck of a download', () => {
  it.each([
    ['peers', [peer({ namedRequests: 1 })], {}],
    ['peers', [peer()], { stalled: false }],
    ['held-back', [peer()], {}],
    ['disk', [peer()], { storingBytes: 1, inFlightBytes: 0, allAsked: true }],
    ['disk', [], { storingBytes: 1, inFlightBytes: 0 }],
    ['nothing-there', [peer()], { storingBytes: 1, inFlightBytes: 0 }],
    ['nothing-there', [peer(), peer({ choked: true })], { inFlightBytes: 0 }],
    ['choked', [peer({ choked: true })], { inFlightBytes: 0 }],
    ['nobody', [], { inFlightBytes: 0 }],
  ] as const)('is "%s"', (expected, peers, load) => {
    expect(new BottleneckGauge().take(peers, { ...BUSY, ...load })).toBe(expected);
  });

  it('is its rate limit if that blocked requests since the last call', () => {
    const pressure = new BottleneckGauge();
    const asked = [peer({ namedRequests: 1 })];
    pressure.rateIsFull();
    expect([pressure.take(asked, BUSY), pressure.take(asked, BUSY)]).toEqual(['rate', 'peers']);
  });

  it('is the disk if most of the outstanding budget waits to be stored', () => {
    const pressure = new BottleneckGauge();
    const asked = [peer({ namedRequests: 1 })];
    pressure.budgetIsFull();
    expect(pressure.take(asked, { ...BUSY, storingBytes: 99 })).toBe('peers');
    pressure.budgetIsFull();
    expect(pressure.take(asked, { ...BUSY, storingBytes: 100 })).toBe('disk');
    expect(pressure.take(asked, { ...BUSY, storingBytes: 100 })).toBe('peers');
  });
});
