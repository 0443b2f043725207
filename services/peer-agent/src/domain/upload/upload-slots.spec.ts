import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { UploadSlots } from './upload-slots.js';

/** Enters a downloader of its own party, and tells whether it is served. */
const enter = <T>(slots: UploadSlots<T>, who: T, party: unknown = who, nowMs = 0): boolean =>
  slots.enter(who, party, nowMs).isServed;

describe('UploadSlots', () => {
  it('gives a freed slot to the downloader that waits the longest', () => {
    const slots = new UploadSlots<string>(1);
    expect(['a', 'b', 'c'].map((name) => enter(slots, name))).toEqual([true, false, false]);
    expect(slots.leave('a', 0)).toBe('b');
    expect(slots.isServed('b')).toBe(true);
    expect(slots.leave('b', 0)).toBe('c');
    expect(slots.leave('c', 0)).toBeUndefined();
  });

  it('frees no slot when a downloader without one leaves', () => {
    const slots = new UploadSlots<string>(1);
    enter(slots, 'a');
    enter(slots, 'b');
    expect(slots.leave('b', 0)).toBeUndefined();
    expect(slots.leave('stranger', 0)).toBeUndefined();
    expect(slots.leave('a', 0)).toBeUndefined();
  });

  it('serves as many as there are slots while others wait, in the order of arrival', () => {
    const step = fc.record({ enters: fc.boolean(), who: fc.nat(11) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 80 }), (size, steps) => {
        const slots = new UploadSlots<number>(size);
        const present: number[] = []; // In order of arrival: the first `size` are served.
        for (const { enters, who } of steps) {
          const at = present.indexOf(who);
          if (enters && at === -1) {
            present.push(who);
            expect(enter(slots, who)).toBe(present.length <= size);
          } else if (!enters) {
            const promoted = at !== -1 && at < size ? present[size] : undefined;
            expect(slots.leave(who, 0)).toBe(promoted);
            if (at !== -1) present.splice(at, 1);
          }
          for (let peer = 0; peer < 12; peer++) {
            expect(slots.isServed(peer)).toBe(present.slice(0, size).includes(peer));
          }
        }
      }),
    );
  });

  it('takes a slot back after ten seconds without progress, if another waits', () => {
    const slots = new UploadSlots<string>(2);
    for (const name of ['idle', 'busy']) enter(slots, name);
    expect([slots.dueMs, slots.review(60_000)]).toEqual([Infinity, []]);
    slots.progress('busy', 55_000);
    enter(slots, 'late', 'late', 60_000);
    expect(slots.review(60_000)).toEqual([{ choked: 'idle', unchoked: 'late' }]);
    expect(slots.dueMs).toBe(65_000);
    expect(slots.review(64_999)).toEqual([]);
    // The idle one waits now as the others do.
    slots.progress('busy', 64_999);
    expect(slots.review(70_000)).toEqual([{ choked: 'late', unchoked: 'idle' }]);
  });

  it('lets a party that has all slots give some up, until the others have as many', () => {
    const slots = new UploadSlots<string>(4);
    for (let number = 0; number < 10; number++) enter(slots, `mallory ${number}`, 'mallory');
    expect(slots.enter('alice 1', 'alice', 0)).toEqual({ isServed: true, choked: 'mallory 0' });
    expect(slots.enter('alice 2', 'alice', 0)).toEqual({ isServed: true, choked: 'mallory 1' });
    expect(slots.enter('alice 3', 'alice', 0)).toEqual({ isServed: false, choked: undefined });
    // A slot that is freed goes to the party that has fewer.
    expect(slots.leave('alice 1', 0)).toBe('alice 3');
    expect(slots.leave('mallory 2', 0)).toBe('mallory 4');
  });

  it('leaves no party without a slot for long while another has many, also one that was idle', () => {
    const slots = new UploadSlots<string>(4);
    enter(slots, 'alice', 'alice', 0);
    for (let number = 0; number < 4; number++) enter(slots, `mallory ${number}`, 'mallory', 0);
    for (let number = 0; number < 3; number++) slots.progress(`mallory ${number}`, 9000);
    slots.review(10_000);
    expect(slots.isServed('alice')).toBe(true);
    expect([0, 1, 2, 3].filter((number) => slots.isServed(`mallory ${number}`))).toHaveLength(3);
  });

  it('never serves more than there are slots, and always as many as it can, whatever happens', () => {
    const step = fc.record({
      kind: fc.constantFrom('enter', 'leave', 'progress', 'review'),
      who: fc.nat(15),
      passedMs: fc.nat(4000),
    });
    fc.assert(
      fc.property(fc.nat(5), fc.array(step, { maxLength: 120 }), (size, steps) => {
        const slots = new UploadSlots<number>(size);
        const present = new Set<number>();
        let nowMs = 0;
        for (const { kind, who, passedMs } of steps) {
          nowMs += passedMs;
          if (kind === 'enter' && !present.has(who)) {
            present.add(who);
            const { isServed, choked } = slots.enter(who, who % 3, nowMs);
            expect(slots.isServed(who)).toBe(isServed);
            if (choked !== undefined) expect([isServed, slots.isServed(choked)]).toEqual([true, false]);
          } else if (kind === 'leave') {
            present.delete(who);
            const next = slots.leave(who, nowMs);
            if (next !== undefined) expect(slots.isServed(next)).toBe(true);
          } else if (kind === 'progress') slots.progress(who, nowMs);
          else {
            for (const { unchoked } of slots.review(nowMs)) expect(unchoked).toBeDefined();
            expect(slots.dueMs).toBeGreaterThan(nowMs);
          }
          const served = [...present].filter((each) => slots.isServed(each));
          expect(served).toHaveLength(Math.min(size, present.size));
        }
      }),
    );
  });
});
