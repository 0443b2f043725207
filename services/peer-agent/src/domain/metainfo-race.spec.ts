import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { PeerId } from '@enjambre/core/ids';
import { peerNamed } from '../../test/support/ids.js';
import { MetainfoRace, type RaceStep } from './metainfo-race.js';
import { seededRandom } from './random.js';

const KIB = 1024;
const MIB = 1024 * KIB;
/** Interval at which the peers below send. */
const TICK_MS = 10;

/** What a peer does once it is asked. */
interface Runner {
  /** @default never */
  readonly failsAfterMs?: number;
  /** Bytes of its first message. @default 0 */
  readonly first?: number;
  /** Bytes per second. @default 0 */
  readonly rate?: number;
  readonly total?: number;
  /** Delay before the first byte. @default 0 */
  readonly startsAfterMs?: number;
  /** @default its own */
  readonly party?: string;
}

const silent: Runner = {};
const honest = (total: number, rate = 100 * MIB): Runner => ({ total, rate });
const late = (startsAfterMs: number): Runner => ({ ...honest(100 * KIB), startsAfterMs });
const repeat = (runner: Runner, count: number): Runner[] => Array.from({ length: count }, () => runner);

interface Asked {
  readonly sinceMs: number;
  bytes: number;
}

interface Result {
  /** When the metainfo was complete; Infinity if not within a minute. */
  readonly ms: number;
  /** Maximum number of peers asked concurrently. */
  readonly mostAsked: number;
  /** Maximum number of concurrent senders. */
  readonly mostSending: number;
  /** Largest number of times that one peer was asked. */
  readonly asked: number;
  readonly needed: number;
}

function isSending({ rate = 0, startsAfterMs = 0 }: Runner, { sinceMs }: Asked, nowMs: number): boolean {
  return rate > 0 && nowMs - sinceMs >= startsAfterMs;
}

/** Bytes that a peer sends within a tick. */
function bytesOf(runner: Runner, answer: Asked, at: { nowMs: number; wayRate: number }): number {
  if (!isSending(runner, answer, at.nowMs)) return 0;
  const { first = 0, rate = 0 } = runner;
  return (answer.bytes === 0 ? first : 0) + (Math.min(rate, at.wayRate) * TICK_MS) / 1000;
}

function partyFor(peer: PeerId, { party = peer }: Runner): string {
  return party;
}

/** Runs a race of these peers on virtual time. All of them share a link of `wayRate` bytes per second. */
function run(runners: readonly Runner[], wayRate = Infinity): Result {
  const race = new MetainfoRace(seededRandom(1));
  const peers = new Map<PeerId, Runner>(runners.map((runner, at) => [peerNamed(`peer ${at}`), runner]));
  for (const [peer, runner] of peers) race.know(peer, { seeder: true, party: partyFor(peer, runner) });
  const asked = new Map<PeerId, Asked>();
  const result = { ms: Infinity, mostAsked: 0, mostSending: 0, asked: 0, needed: 0 };
  let dueMs = 0;
  for (let nowMs = 0; nowMs < 60_000; nowMs += TICK_MS) {
    const sending = [...asked].filter(([peer, answer]) => isSending(peers.get(peer)!, answer, nowMs));
    let failed = false;
    for (const [peer, answer] of asked) {
      const { total = 0, failsAfterMs = Infinity } = peers.get(peer)!;
      const wayEach = wayRate / sending.length;
      answer.bytes += bytesOf(peers.get(peer)!, answer, { nowMs, wayRate: wayEach });
      if (answer.bytes > 0) race.received(peer, { bytes: answer.bytes, total });
      if (total > 0 && answer.bytes >= total) return { ...result, ms: nowMs };
      if (nowMs - answer.sinceMs < failsAfterMs) continue;
      race.failed(peer, nowMs);
      asked.delete(peer);
      failed = true;
    }
    if (!failed && nowMs < dueMs) continue;
    const step: RaceStep = race.step(nowMs);
    for (const peer of step.drop) asked.delete(peer);
    expect(step.ask.filter((peer) => asked.has(peer))).toEqual([]);
    for (const peer of step.ask) {
      race.dialed(peer, nowMs);
      asked.set(peer, { sinceMs: nowMs, bytes: 0 });
    }
    result.asked += step.ask.length;
    result.needed += Number(step.needsPeers);
    result.mostAsked = Math.max(result.mostAsked, asked.size);
    result.mostSending = Math.max(result.mostSending, sending.length);
    dueMs = nowMs + step.waitMs;
  }
  return result;
}

describe('a search for metainfo', () => {
  it('asks one peer if it answers', () => {
    expect(run(repeat(honest(100 * KIB), 50))).toMatchObject({ asked: 1, ms: TICK_MS });
  });

  it('asks the first peer as soon as it is known, not a head start later', () => {
    const race = new MetainfoRace(seededRandom(1));
    expect(race.step(0).ask).toEqual([]);
    race.know(peerNamed('seeder'), { seeder: true, party: '10.0.0.1' });
    expect(race.step(2).ask).toEqual([peerNamed('seeder')]);
  });

  it('gets past four silent peers within half a second', () => {
    expect(run([...repeat(silent, 4), honest(100 * KIB)]).ms).toBeLessThan(500);
  });

  it('gets past 49 of 50 silent peers within a second, and past 190 of 200 within three', () => {
    expect(run([...repeat(silent, 49), honest(100 * KIB)]).ms).toBeLessThan(1000);
    const crowd = run([...repeat(silent, 190), ...repeat(honest(100 * KIB), 10)]);
    expect(crowd.ms).toBeLessThan(3000);
    expect(crowd.mostAsked).toBeLessThanOrEqual(50);
  });

  it.each([
    [1200, 15_000],
    [3000, 40_000],
  ])('gives a peer that needs %i ms to start enough time, among 200 silent ones', (startsAfterMs, mostMs) => {
    const half = repeat(silent, 100);
    expect(run([...half, late(startsAfterMs), ...half]).ms).toBeLessThan(mostMs);
  });

  it('does not let new peers wait long for those with an extended time', () => {
    const race = new MetainfoRace(seededRandom(1));
    const know = (name: string): void => race.know(peerNamed(name), { seeder: true, party: name });
    for (let at = 0; at < 200; at++) know(`silent ${at}`);
    let nowMs = 0;
    while (nowMs < 60_000) {
      const { ask, waitMs } = race.step(nowMs);
      for (const peer of ask) race.dialed(peer, nowMs);
      nowMs += waitMs;
    }
    know('newcomer');
    const joinedMs = nowMs;
    while (!race.step(nowMs).ask.includes(peerNamed('newcomer'))) nowMs += 150;
    expect(nowMs - joinedMs).toBeLessThan(1500);
  });

  it('does not ask a peer with a false answer again for long, even when a snapshot lists it again', () => {
    const race = new MetainfoRace(seededRandom(1));
    const liar = peerNamed('liar');
    const askedMs: number[] = [];
    for (let nowMs = 0; nowMs < 600_000; nowMs += 150) {
      race.forget(liar);
      race.know(liar, { seeder: true, party: liar });
      if (!race.step(nowMs).ask.includes(liar)) continue;
      askedMs.push(nowMs);
      race.failed(liar, nowMs + 10, 'false');
    }
    expect(askedMs.length).toBeGreaterThan(2);
    expect(askedMs.length).toBeLessThan(7);
    // A bit may have flipped on the way: it gets a second chance at once.
    expect(askedMs[1]).toBeLessThan(2000);
    expect(askedMs[2]).toBeGreaterThan(30_000);
  });

  it('does not ask a peer that is full before the time for which it asks', () => {
    const race = new MetainfoRace(seededRandom(1));
    const full = peerNamed('full');
    race.know(full, { seeder: true, party: full });
    expect(race.step(0).ask).toEqual([full]);
    race.failed(full, 10, 'silent or refused', 30_000);
    for (let nowMs = 20; nowMs < 24_000; nowMs += 150) expect(race.step(nowMs).ask).toEqual([]);
    expect(race.step(36_100).ask).toEqual([full]);
  });

  it('remembers failed peers when the tracker lists all peers again', () => {
    const race = new MetainfoRace(seededRandom(1));
    const [refusing, other] = [peerNamed('refusing'), peerNamed('other')];
    race.know(refusing, { seeder: true, party: refusing });
    expect(race.step(0).ask).toEqual([refusing]);
    race.failed(refusing, 10);
    race.forget(refusing);
    race.know(refusing, { seeder: true, party: refusing });
    expect(race.step(20).ask).toEqual([]);
    race.know(other, { seeder: false, party: other });
    expect(race.step(1000).ask[0]).toBe(other);
  });

  it('gives a peer its time from when it is dialed, however long it waited for its turn', () => {
    const race = new MetainfoRace(seededRandom(1));
    for (let at = 0; at < 200; at++)
      race.know(peerNamed(`peer ${at}`), { seeder: true, party: `party ${at}` });
    const [asked, everAsked] = [new Set<PeerId>(), new Set<PeerId>()];
    let nowMs = 0;
    const pass = (ms: number): PeerId[] => {
      const dropped: PeerId[] = [];
      for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 150) {
        const { ask, drop } = race.step(nowMs);
        for (const peer of drop) asked.delete(peer);
        for (const peer of ask) asked.add(peer);
        for (const peer of ask) everAsked.add(peer);
        dropped.push(...drop);
      }
      return dropped;
    };
    // They wait in turns, and no turn counts as a failure: always as many wait.
    pass(60_000);
    expect([everAsked.size, asked.size]).toEqual([200, 50]);
    expect(race.answers(nowMs).some(({ silent }) => silent)).toBe(false);
    const first = [...asked].at(-1)!;
    race.dialed(first, nowMs);
    expect(pass(450)).not.toContain(first);
    expect(pass(900)).toContain(first);
  });

  it('asks another peer at once when one fails', () => {
    const refusing = { failsAfterMs: TICK_MS };
    expect(run([...repeat(refusing, 20), honest(100 * KIB)]).ms).toBeLessThan(500);
  });

  it.each([
    ['a few bytes a second', { rate: 20, total: 10 * MIB }],
    ['a large first part and then next to nothing', { first: 256 * KIB, rate: 100, total: 10 * MIB }],
    ['a little less than what would be enough', { rate: 60 * KIB, total: 10 * MIB }],
  ])('is not held up by peers that send %s', (_, dripping) => {
    expect(run([...repeat(dripping, 5), honest(10 * MIB)]).ms).toBeLessThan(2000);
  });

  it('fetches a large one from few senders over a slow link, and is not much later for it', () => {
    const alone = run([honest(10 * MIB)], 2 * MIB);
    const many = run(repeat(honest(10 * MIB), 50), 2 * MIB);
    expect(alone.ms).toBe(5000 + TICK_MS);
    expect(many.mostSending).toBeLessThanOrEqual(4);
    expect(many.ms).toBeLessThan(4 * alone.ms);
  });

  it('replaces the slowest sender by a peer that was not asked yet', () => {
    const slow = { rate: 100 * KIB, total: 10 * MIB };
    const { ms, mostSending } = run([...repeat(slow, 12), honest(10 * MIB)]);
    expect(mostSending).toBeLessThanOrEqual(5);
    expect(ms).toBeLessThan(15_000);
  });

  it('asks again, at a limited rate, when all have failed', () => {
    const { asked, ms } = run(repeat({ failsAfterMs: TICK_MS }, 1));
    expect(ms).toBe(Infinity);
    expect(asked).toBeGreaterThan(10);
    expect(asked).toBeLessThan(30);
  });

  it('requests more peers once all were asked and none sends', () => {
    expect(run(repeat(honest(100 * KIB), 2)).needed).toBe(0);
    expect(run(repeat(silent, 3)).needed).toBeGreaterThan(0);
  });

  it('ends with a good answer whatever other peers there are, and never asks more than 50 at a time', () => {
    const any = fc.record({
      rate: fc.constantFrom(0, 20, 20 * KIB, 100 * KIB, MIB),
      first: fc.constantFrom(0, 256 * KIB),
      failsAfterMs: fc.constantFrom(TICK_MS, 500, 1e9),
      total: fc.constant(1000 * MIB),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 80 }), fc.nat(), (others, at) => {
        const runners: Runner[] = [...others];
        runners.splice(at % (others.length + 1), 0, honest(MIB));
        const { ms, mostAsked } = run(runners);
        expect(ms).toBeLessThan(60_000);
        expect(mostAsked).toBeLessThanOrEqual(50);
      }),
      { numRuns: 50 },
    );
  });

  it.each<[string, Runner]>([
    ['never answer', silent],
    ['refuse', { failsAfterMs: TICK_MS }],
    ['drip', { rate: 1, total: MIB }],
    ['drip just enough', { rate: 20 * KIB, total: 64 * MIB }],
    ['send fast, and never the end', { rate: 2 * MIB, total: 64 * MIB }],
  ])('finds an honest peer among 600 of one party that %s within seconds', (_, fake) => {
    const fakes = repeat({ ...fake, party: '10.0.0.1' }, 300);
    const { ms } = run([...fakes, honest(MIB, 10 * MIB), ...fakes]);
    expect(ms).toBeLessThan(2000);
  });

  it('finds an honest peer among 600 parties that never answer', () => {
    const fakes = repeat(silent, 300);
    expect(run([...fakes, honest(MIB), ...fakes]).ms).toBeLessThan(10_000);
  });

  it('forgets peers that are no longer listed, but not their answers in progress', () => {
    const race = new MetainfoRace(seededRandom(1));
    const [one, other] = [peerNamed('one'), peerNamed('other')];
    race.know(one, { seeder: true, party: one });
    race.know(other, { seeder: false, party: other });
    expect(race.step(0).ask).toEqual([one]);
    race.forget(one);
    race.forget(other);
    expect(race.answers(0).map(({ peer }) => peer)).toEqual([one]);
    race.failed(one, 10);
    expect(race.size).toBe(0);
  });
});
