import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { PeerId } from '@enjambre/core/ids';
import { samplePeer } from '../../test/support/samples.js';
import { FirstUses } from './first-uses.js';

describe('first uses of names', () => {
  test('the first is one that has used the name for the longest time, whatever came and went', () => {
    const step = fc.record({
      peer: fc.nat(4),
      name: fc.constantFrom('a', 'A', 'b'),
      since: fc.nat(5),
      adds: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const uses = new FirstUses();
        const model = new Map<string, Map<PeerId, number>>([
          ['a', new Map()],
          ['b', new Map()],
        ]);
        for (const { peer, name, since, adds } of steps) {
          const { id } = samplePeer(peer);
          const its = model.get(name.toLowerCase())!;
          const before = uses.first(name);
          const wasLeast = before !== undefined && its.get(before) === Math.min(...its.values());
          expect(wasLeast).toBe(its.size > 0);
          if (adds) {
            uses.add(name, id, since);
            its.set(id, since);
          } else {
            uses.remove(name, id);
            its.delete(id);
          }
          expect(uses.all(name).sort()).toEqual([...its.keys()].sort());
          const first = uses.first(name);
          expect(first && its.get(first)).toBe(its.size > 0 ? Math.min(...its.values()) : undefined);
          // One that came later with the same time does not take the name.
          if (before && before !== id && (!adds || its.get(before)! <= since)) expect(first).toBe(before);
        }
      }),
    );
  });
});
