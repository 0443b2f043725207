import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { LiveQueue } from './live-queue.js';

class Item {
  dropped = false;
}

test('a queue has its items in order, whatever is dropped out of turn', () => {
  const step = fc.oneof(
    { weight: 2, arbitrary: fc.constant('push' as const) },
    { weight: 3, arbitrary: fc.nat(1000) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 1000, size: 'max' }), (steps) => {
      const queue = new LiveQueue<Item>();
      let live: Item[] = [];
      for (const each of steps) {
        if (each === 'push') {
          const item = new Item();
          queue.push(item);
          live.push(item);
        } else if (live.length > 0) {
          const item = each % 3 === 0 ? live[0]! : live[each % live.length]!;
          item.dropped = true;
          if (each % 2 === 0) expect(queue.first).not.toBe(item);
          queue.noteDropped();
          live = live.filter((one) => one !== item);
        }
        expect(queue.first).toBe(live[0]);
        expect(queue.size).toBe(live.length);
      }
      const found = [...queue.newestFirst()];
      expect(found.length).toBe(live.length);
      expect(found.every((item, at) => item === live[live.length - 1 - at])).toBe(true);
    }),
    { numRuns: 100 },
  );
});
