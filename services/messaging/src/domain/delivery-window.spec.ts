import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DeliveryWindow } from './delivery-window.js';

describe('DeliveryWindow', () => {
  it('admits a message of any size when nothing is in flight', () => {
    const window = new DeliveryWindow({ windowMessages: 2, windowBytes: 10 });
    expect(window.hasRoom).toBe(true);
    window.add(1, 1000);
    expect(window.hasRoom).toBe(false);
    expect(window.acknowledge(1)).toBe(true);
    expect(window.hasRoom).toBe(true);
  });

  it('agrees with a list of the deliveries in flight', () => {
    const step = fc.oneof(fc.record({ bytes: fc.nat(500) }), fc.record({ acknowledge: fc.nat(40) }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const window = new DeliveryWindow({ windowMessages: 5, windowBytes: 1000 });
        let model: { id: number; bytes: number }[] = [];
        let nextId = 0;
        for (const each of steps) {
          if ('bytes' in each) {
            if (!window.hasRoom) continue;
            window.add(nextId, each.bytes);
            model.push({ id: nextId, bytes: each.bytes });
            nextId += 1;
          } else {
            const known = model.some(({ id }) => id === each.acknowledge);
            expect(window.acknowledge(each.acknowledge)).toBe(known);
            model = model.filter(({ id }) => id !== each.acknowledge);
          }
          const bytes = model.reduce((sum, message) => sum + message.bytes, 0);
          expect(window.size).toBe(model.length);
          expect(window.hasRoom).toBe(model.length < 5 && bytes < 1000);
        }
      }),
    );
  });
});
