import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { UploadSlots } from './upload-slots.js';

describe('UploadSlots', () => {
  it('gives a freed slot to the downloader that waits the longest', () => {
    const slots = new UploadSlots<string>(1);
    expect(['a', 'b', 'c'].map((name) => slots.enter(name))).toEqual([true, false, false]);
    expect(slots.leave('a')).toBe('b');
    expect(slots.isServed('b')).toBe(true);
    expect(slots.leave('b')).toBe('c');
    expect(slots.leave('c')).toBeUndefined();
  });

  it('frees no slot when a downloader without one leaves', () => {
    const slots = new UploadSlots<string>(1);
    slots.enter('a');
    slots.enter('b');
    expect(slots.leave('b')).toBeUndefined();
    expect(slots.leave('stranger')).toBeUndefined();
    expect(slots.leave('a')).toBeUndefined();
  });

  it('serves as many as there are slots while others wait, in the order of arrival', () => {
    const step = fc.record({ enter: fc.boolean(), who: fc.nat(11) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 80 }), (size, steps) => {
        const slots = new UploadSlots<number>(size);
        const present: number[] = []; // In order of arrival: the first `size` are served.
        for (const { enter, who } of steps) {
          const at = present.indexOf(who);
          if (enter && at === -1) {
            present.push(who);
            expect(slots.enter(who)).toBe(present.length <= size);
          } else if (!enter) {
            const promoted = at !== -1 && at < size ? present[size] : undefined;
            expect(slots.leave(who)).toBe(promoted);
            if (at !== -1) present.splice(at, 1);
          }
          for (let peer = 0; peer < 12; peer++) {
            expect(slots.isServed(peer)).toBe(present.slice(0, size).includes(peer));
          }
        }
      }),
    );
  });
});
