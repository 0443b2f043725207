import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import type { Distance } from '@enjambre/core/locality';
import fc from 'fast-check';
import { peerNamed } from '../../../test/support/ids.js';
import { DEFAULT_ENGINE_CONFIG } from './config.js';
import { NearFirst } from './near-first.js';
import { PeerState } from './peer-state.js';

const PIECES = { count: 40, bytes: 1 };
const ALL = Bitfield.full(PIECES.count);

const distances = new WeakMap<PeerState, Distance>();

function peer(
  name: string,
  where: 'near' | 'far' | 'unknown',
  has = Bitfield.empty(PIECES.count),
): PeerState {
  const state = new PeerState(peerNamed(name), has.clone(), DEFAULT_ENGINE_CONFIG, 0);
  distances.set(state, where === 'near' ? 'zone' : where);
  return state;
}

function nearFirst(self: string, peers: readonly PeerState[], nowMs = 0): NearFirst {
  const made = new NearFirst(peerNamed(self), PIECES);
  for (const one of peers) made.joined(one, distances.get(one) ?? 'unknown', nowMs);
  return made;
}

/** The pieces that a peer may be asked for. */
function admitted(by: NearFirst, from: PeerState, nowMs = 0): number[] {
  const admits = by.admission(from, nowMs);
  return [...ALL.indexes()].filter((piece) => admits?.(piece) ?? true);
}

describe('near peers first', () => {
  it('holds no peer back unless there are both near and far ones', () => {
    const far = peer('far', 'far', ALL);
    expect(nearFirst('me', [far]).admission(far, 0)).toBeUndefined();
    const [near, unknown] = [peer('near', 'near'), peer('unknown', 'unknown', ALL)];
    expect(nearFirst('me', [near, unknown]).admission(unknown, 0)).toBeUndefined();
    const both = nearFirst('me', [near, far, unknown]);
    expect(both.admission(near, 0)).toBeUndefined();
    expect(both.admission(unknown, 0)).toBeUndefined();
    expect(both.admission(far, 0)).toBeDefined();
    both.left(near);
    expect(both.admission(far, 0)).toBeUndefined();
  });

  it('has each piece that a zone lacks fetched by exactly one of its peers at first', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 8 }), (names) => {
        const far = peer('origin', 'far', ALL);
        const fetched = names.flatMap((self) => {
          const mates = names.filter((name) => name !== self).map((name) => peer(name, 'near'));
          return admitted(nearFirst(self, [...mates, far]), far);
        });
        expect(fetched.sort((a, b) => a - b)).toEqual([...ALL.indexes()]);
      }),
    );
  });

  it('lets the next of the zone fetch what does not arrive, and in the end every peer', () => {
    const far = peer('far', 'far', ALL);
    const made = nearFirst('me', [peer('a', 'near'), peer('b', 'near'), far], 1000);
    const counts = [1000, 3100, 5100].map((nowMs) => admitted(made, far, nowMs).length);
    expect(counts[0]).toBeLessThan(counts[1]!);
    expect(counts[1]).toBeLessThan(PIECES.count);
    expect(counts[2]).toBe(PIECES.count);
    made.received(far, 1, 5100);
    expect(admitted(made, far, 5200)).toHaveLength(counts[0]!);
  });

  it('fetches nothing from afar that a near peer has, until that peer has lost it or left', () => {
    const far = peer('far', 'far', ALL);
    const near = peer('near', 'near', ALL);
    const made = nearFirst('me', [near, far]);
    expect(admitted(made, far, 60_000)).toEqual([]);
    near.lost(7);
    made.lost(near, 7);
    expect(admitted(made, far, 60_000)).toEqual([7]);
    made.learnt(near, 7, 60_000);
    expect(admitted(made, far, 120_000)).toEqual([]);
  });

  it('does not count on a near super-seeder: it gives pieces that no peer has', () => {
    const far = peer('far', 'far', ALL);
    const near = peer('near', 'near', ALL);
    const made = nearFirst('me', [near, far]);
    made.superSeeds(near, true);
    near.startedSuperSeeding();
    expect(admitted(made, far, 60_000)).toHaveLength(PIECES.count);
    made.superSeeds(near, false);
    near.stoppedSuperSeeding();
    expect(admitted(made, far, 60_000)).toEqual([]);
  });
});
