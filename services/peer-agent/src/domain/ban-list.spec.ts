import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { infoHash, peerNamed } from '../../test/support/ids.js';
import { BAN_MS, BanList, PARK_MS, SAME_CAUSE_MS, type Ban, type Party } from './ban-list.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const party = (name: string): Party => ({ peerId: peerNamed(name), name });
const mallory = party('mallory');
const alice = party('alice');

describe('BanList', () => {
  it('returns the reason of a ban for an hour, and then allows the peer again', () => {
    const bans = new BanList();
    bans.ban(mallory, 'sent wrong bytes', 1000);
    expect(bans.reasonFor(mallory.peerId, 1000)).toBe('sent wrong bytes');
    expect(bans.reasonFor(mallory.peerId, 1000 + HOUR - 1)).toBe('sent wrong bytes');
    expect(bans.reasonFor(mallory.peerId, 1000 + HOUR)).toBeUndefined();
    expect(bans.reasonFor(alice.peerId, 1000)).toBeUndefined();
  });

  it('restarts the hour with a new ban', () => {
    const bans = new BanList();
    bans.ban(mallory, 'first', 0);
    bans.ban(mallory, 'second', 30 * MINUTE);
    expect(bans.reasonFor(mallory.peerId, HOUR + 1)).toBe('second');
  });

  it('bans with the third bad piece within an hour, in any files, and parks the peer for longer each time', () => {
    const bans = new BanList();
    const offend = (file: string, ms: number) =>
      bans.offend(mallory, { infohash: infoHash(file), reason: `piece at ${ms}` }, ms);
    expect(offend('aa', 0)).toEqual({ parkMs: PARK_MS[0], isRepeated: false });
    expect(offend('bb', 2000)).toEqual({ parkMs: PARK_MS[1], isRepeated: true });
    expect(bans.reasonFor(mallory.peerId, 2001)).toBeUndefined();
    // The first offence has expired by then.
    expect(offend('aa', HOUR)).toEqual({ parkMs: PARK_MS[1], isRepeated: true });
    expect(offend('aa', HOUR + 1000)).toMatchObject({ reason: `piece at ${HOUR + 1000}` });
    expect(bans.reasonFor(mallory.peerId, HOUR + 1001)).toBe(`piece at ${HOUR + 1000}`);
  });

  it('counts once what happens within a second: one damaged connection may have carried several downloads', () => {
    const bans = new BanList();
    for (let ms = 0; ms < 1000; ms += 100) {
      const offence = { infohash: infoHash('aa'), reason: 'bad' };
      expect(bans.offend(mallory, offence, ms)).toEqual({ parkMs: PARK_MS[0], isRepeated: false });
      expect(bans.strike(alice, 'x', ms)).toEqual({ parkMs: PARK_MS[0], isRepeated: false });
    }
    expect(SAME_CAUSE_MS).toBeLessThanOrEqual(PARK_MS[0]!);
  });

  it('forgives bad pieces of a file that the peer announces as changed, and of no other, up to a limit', () => {
    const bans = new BanList();
    const offend = (file: string, second: number) =>
      bans.offend(mallory, { infohash: infoHash(file), reason: 'bad' }, 1000 * second);
    offend('aa', 0);
    offend('bb', 1);
    bans.pardon(mallory.peerId, infoHash('aa'), 2000);
    bans.pardon(mallory.peerId, infoHash('cc'), 2000);
    expect(offend('cc', 2)).toMatchObject({ parkMs: PARK_MS[1] });
    let pieces = 0;
    for (let at = 3; bans.reasonFor(mallory.peerId, 1000 * at) === undefined; at++, pieces++) {
      bans.pardon(mallory.peerId, infoHash('cc'), 1000 * at);
      offend('cc', at);
    }
    expect(pieces).toBeLessThanOrEqual(10);
  });

  it('forgives eight times in any hour, and again once the first pardon is an hour old', () => {
    const bans = new BanList();
    const offend = (ms: number) => bans.offend(mallory, { infohash: infoHash('aa'), reason: 'bad' }, ms);
    const pardon = (ms: number): void => bans.pardon(mallory.peerId, infoHash('aa'), ms);
    // One every nine minutes is seven in an hour: each is forgiven.
    let ms = 0;
    for (; ms < 24 * HOUR; ms += 9 * MINUTE) {
      expect(offend(ms)).toMatchObject({ parkMs: PARK_MS[0] });
      pardon(ms + 1);
    }
    ms += HOUR;
    for (let second = 0; second < 8; second++) {
      offend(ms + 1000 * second);
      pardon(ms + 1000 * second);
    }
    offend(ms + 8000);
    pardon(ms + 8000);
    pardon(ms + HOUR - 1);
    expect(offend(ms + HOUR - 1)).toMatchObject({ parkMs: PARK_MS[1] });
    pardon(ms + HOUR);
    expect(offend(ms + HOUR + 1000)).toMatchObject({ parkMs: PARK_MS[0] });
  });

  it('bans with the third strike, and returns the ban', () => {
    const bans = new BanList();
    const strikes = [1, 2, 3].map((second) => bans.strike(mallory, `breach ${second}`, 1000 * second));
    expect(strikes).toMatchObject([{ parkMs: PARK_MS[0] }, { parkMs: PARK_MS[1] }, { reason: 'breach 3' }]);
    expect(bans.reasonFor(mallory.peerId, 4000)).toBe('breach 3');
  });

  it('does not ban for one or two strikes, or for those of another peer', () => {
    const bans = new BanList();
    bans.strike(mallory, 'x', 0);
    bans.strike(mallory, 'x', 1000);
    bans.strike(alice, 'x', 2000);
    expect(bans.reasonFor(mallory.peerId, 3000)).toBeUndefined();
    expect(bans.reasonFor(alice.peerId, 3000)).toBeUndefined();
  });

  it('forgives strikes after ten minutes of good behaviour', () => {
    const bans = new BanList();
    bans.strike(mallory, 'x', 0);
    bans.strike(mallory, 'x', MINUTE);
    expect(bans.strike(mallory, 'x', 11 * MINUTE)).toMatchObject({ isRepeated: false });
    expect(bans.strike(mallory, 'x', 20 * MINUTE)).toMatchObject({ isRepeated: true });
    expect(bans.strike(mallory, 'x', 29 * MINUTE)).toMatchObject({ reason: 'x' });
  });

  it('counts strikes from zero after a ban', () => {
    const bans = new BanList();
    for (let ms = 0; ms < 3000; ms += 1000) bans.strike(mallory, 'x', ms);
    expect(bans.reasonFor(mallory.peerId, 3000)).toBe('x');
    expect(bans.strike(mallory, 'x', 4000)).toMatchObject({ isRepeated: false });
  });

  it('remembers ten thousand bans, and forgets the oldest first', () => {
    const bans = new BanList();
    for (let index = 0; index <= 10_000; index++) bans.ban(party(`peer ${index}`), 'x', 0);
    expect(bans.reasonFor(peerNamed('peer 0'), 1)).toBeUndefined();
    expect(bans.reasonFor(peerNamed('peer 1'), 1)).toBe('x');
    expect(bans.reasonFor(peerNamed('peer 10000'), 1)).toBe('x');
  });

  it('keeps a ban that was renewed when it makes room', () => {
    const bans = new BanList();
    bans.ban(mallory, 'x', 0);
    for (let index = 0; index < 9_999; index++) bans.ban(party(`peer ${index}`), 'x', 0);
    bans.ban(mallory, 'again', 0);
    bans.ban(alice, 'x', 0);
    expect(bans.reasonFor(mallory.peerId, 1)).toBe('again');
  });

  it('bounds the strikes it remembers of ten thousand new identities', () => {
    const bans = new BanList();
    bans.strike(mallory, 'x', 0);
    bans.strike(mallory, 'x', 1000);
    for (let index = 0; index < 10_000; index++) bans.strike(party(`peer ${index}`), 'x', 0);
    expect(bans.strike(mallory, 'x', 2000)).toMatchObject({ isRepeated: false });
  });

  it('lists bans with their start and end, oldest first, until they expire', () => {
    const bans = new BanList();
    bans.ban(mallory, 'x', 1000);
    bans.ban(alice, 'y', 2000);
    expect(bans.snapshot(2000)).toEqual([
      { ...mallory, reason: 'x', sinceMs: 1000, untilMs: 1000 + HOUR },
      { ...alice, reason: 'y', sinceMs: 2000, untilMs: 2000 + HOUR },
    ]);
    expect(bans.snapshot(1000 + HOUR).map(({ name }) => name)).toEqual(['alice']);
  });

  it('allows a peer again whose ban is lifted, and forgets its strikes', () => {
    const bans = new BanList();
    bans.ban(mallory, 'x', 0);
    expect(bans.lift(mallory.peerId)).toBe(true);
    expect(bans.reasonFor(mallory.peerId, 1)).toBeUndefined();
    expect(bans.snapshot(1)).toEqual([]);
    expect(bans.strike(mallory, 'x', 1)).toMatchObject({ isRepeated: false });
    expect(bans.lift(alice.peerId)).toBe(false);
  });

  it('cuts a reason or a name to one line, at whole characters', () => {
    const bans = new BanList();
    const { name, reason } = bans.ban({ ...mallory, name: `${'m'.repeat(63)}😀` }, `${'r'.repeat(199)}😀`, 0);
    expect([name.length, reason.length]).toEqual([64, 200]);
    expect(name.isWellFormed() && reason.isWellFormed()).toBe(true);
  });

  it('never bans longer than a new ban would, even if the clock was set back in between', () => {
    const before = new BanList();
    before.ban(mallory, 'x', 10 * HOUR);
    const after = new BanList();
    after.restore(before.snapshot(10 * HOUR), HOUR);
    expect(after.snapshot(HOUR)).toEqual([
      { ...mallory, reason: 'x', sinceMs: HOUR, untilMs: HOUR + BAN_MS },
    ]);
  });
});

describe('a ban list that was saved and restored', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const step = fc.record({
    act: fc.constantFrom(...(['ban', 'strike', 'lift'] as const)),
    name: names,
    afterMs: fc.nat(20 * MINUTE),
  });

  it('gives the same answer for every peer at any later time as the original', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 20 }),
        fc.nat(2 * HOUR),
        fc.nat(2 * HOUR),
        (steps, away, later) => {
          const bans = new BanList();
          let now = 0;
          for (const { act, name, afterMs } of steps) {
            now += afterMs;
            if (act === 'lift') bans.lift(peerNamed(name));
            else bans[act](party(name), `${act} at ${now}`, now);
          }
          const restored = new BanList();
          restored.restore(bans.snapshot(now), now + away);
          expect(restored.snapshot(now + away)).toEqual(bans.snapshot(now + away));
          for (const name of 'abcdef') {
            const at = now + away + later;
            expect(restored.reasonFor(peerNamed(name), at)).toBe(bans.reasonFor(peerNamed(name), at));
          }
        },
      ),
    );
  });

  it('keeps no ban longer than an hour and no expired one, whatever was saved', () => {
    const time = fc.integer({ min: -HOUR, max: 10 * HOUR });
    const ban: fc.Arbitrary<Ban> = fc.record({
      peerId: names.map(peerNamed),
      name: names,
      reason: fc.string(),
      sinceMs: time,
      untilMs: time,
    });
    fc.assert(
      fc.property(fc.array(ban), time, (saved, now) => {
        const bans = new BanList();
        bans.restore(saved, now);
        for (const { sinceMs, untilMs } of bans.snapshot(now)) {
          expect(sinceMs).toBeLessThanOrEqual(now);
          expect(untilMs).toBeGreaterThan(now);
          expect(untilMs).toBeLessThanOrEqual(now + HOUR);
        }
        expect(bans.snapshot(now + HOUR)).toEqual([]);
      }),
    );
  });
});
