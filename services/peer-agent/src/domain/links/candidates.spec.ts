import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import fc from 'fast-check';
import { peerNamed } from '../../../test/support/ids.js';
import { seededRandom } from '../random.js';
import { MAX_LINKS } from '../swarm-constants.js';
import { Candidates } from './candidates.js';
import type { CandidateAddress, CandidateEffect, CandidateEvent } from './messages.js';

const PEERS = Array.from({ length: 3 * MAX_LINKS }, (_, at) => peerNamed(`${at}`));

function addressOf(peerId: PeerId): CandidateAddress {
  return { peerId, endpoint: peerId };
}

/** The host of the candidates: maintains the links opened by the effects, and checks the effects. */
class LinkTable {
  readonly banned = new Set<PeerId>();
  readonly links = new Set<PeerId>();
  readonly candidates = new Candidates({
    isBanned: (peer) => {
      this.looks += 1;
      return this.banned.has(peer);
    },
    random: seededRandom(1),
  });
  /** Questions about bans: each pass over peers asks one for each. */
  looks = 0;
  widened = 0;
  #nowMs = 0;

  /** @param dialsAtOnce false if a test feeds `dialed` itself */
  constructor(private readonly dialsAtOnce = true) {}

  feed(event: CandidateEvent<CandidateAddress>, afterMs = 0): void {
    this.#nowMs += afterMs;
    for (const effect of this.candidates.handle(event, this.#nowMs)) this.#apply(effect);
  }

  /** Of a linked peer. */
  feedOf(type: 'dialed' | 'source-joined' | 'asked' | 'source-left', source: PeerId): void {
    if (type === 'source-left') this.links.delete(source);
    if (type === 'source-joined') this.feed({ type, source, has: Bitfield.empty(1) });
    else this.feed({ type, source });
  }

  #apply(effect: CandidateEffect<CandidateAddress>): void {
    if (effect.type === 'widen') return void (this.widened += 1);
    const peer = effect.type === 'open' ? effect.address.peerId : effect.peer;
    if (effect.type === 'close') return expect(this.links.delete(peer)).toBe(true);
    expect(this.links.has(peer)).toBe(false);
    expect(this.banned.has(peer)).toBe(false);
    this.links.add(peer);
    if (this.dialsAtOnce) this.feedOf('dialed', peer);
    expect(this.links.size).toBeLessThanOrEqual(2 * MAX_LINKS);
  }
}

describe('candidates', () => {
  it('are retried after growing delays, and at once when their address changes', () => {
    const table = new LinkTable();
    const peer = PEERS[0]!;
    table.feed({ type: 'peers', snapshot: true, upserted: [addressOf(peer)], removed: [] });
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      table.feedOf('source-left', peer);
      let ticks = 0;
      for (; !table.links.has(peer); ticks++) table.feed({ type: 'tick' }, 100);
      waits.push(ticks * 100);
    }
    expect(waits[0]).toBeLessThanOrEqual(300);
    expect(waits[7]).toBeGreaterThanOrEqual(5000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_000);
    table.feedOf('source-left', peer);
    const moved = { ...addressOf(peer), endpoint: 'elsewhere' };
    table.feed({ type: 'peers', snapshot: false, upserted: [moved], removed: [] });
    expect(table.links.has(peer)).toBe(true);
  });

  it('that are full are not dialed before the time for which they ask', () => {
    const table = new LinkTable();
    const full = PEERS[0]!;
    table.feed({ type: 'peers', snapshot: true, upserted: [addressOf(full)], removed: [] });
    table.links.delete(full);
    table.feed({ type: 'source-left', source: full, retryAfterMs: 30_000 });
    let ticks = 0;
    for (; !table.links.has(full); ticks++) table.feed({ type: 'tick' }, 100);
    expect(ticks).toBeGreaterThanOrEqual(240);
    expect(ticks).toBeLessThanOrEqual(361);
  });

  it.each<[string, (table: LinkTable, fake: PeerId) => void]>([
    ['never answer', () => undefined],
    ['say hello and give nothing', (table, fake) => table.feedOf('source-joined', fake)],
    [
      'send a block now and then',
      (table, fake) => {
        table.feedOf('source-joined', fake);
        table.feed({ type: 'block-arrived', source: fake, id: 1, ref: { piece: 0, block: 0 } });
      },
    ],
  ])('of one party do not keep another waiting, even if 600 of them %s', (_, act) => {
    const table = new LinkTable();
    const fakes = Array.from({ length: 600 }, (_, at) => peerNamed(`fake ${at}`));
    const addresses = fakes.map((peerId, at) => ({ peerId, endpoint: `10.0.0.1:${at + 1}` }));
    const honest = { peerId: peerNamed('honest'), endpoint: '10.0.0.2:7072' };
    table.feed({ type: 'peers', snapshot: true, upserted: addresses, removed: [] });
    const second = (): void => {
      for (let tick = 0; tick < 10; tick++) {
        for (const fake of fakes.filter((peer) => table.links.has(peer))) act(table, fake);
        table.feed({ type: 'tick' }, 100);
      }
    };
    for (let seconds = 0; seconds < 5; seconds++) second();
    table.feed({ type: 'peers', snapshot: false, upserted: [honest], removed: [] });
    // Its hello takes a while.
    second();
    expect(table.links.has(honest.peerId)).toBe(true);
    table.feedOf('source-joined', honest.peerId);
    second();
    table.feedOf('source-left', honest.peerId);
    second();
    expect(table.links.has(honest.peerId)).toBe(true);
  });

  it('that wait to be dialed take turns, and are set aside only when they were dialed in vain', () => {
    const table = new LinkTable(false);
    table.feed({ type: 'peers', snapshot: true, upserted: PEERS.map(addressOf), removed: [] });
    const lastMs = new Map<PeerId, number>();
    let nowMs = 0;
    let longest = 0;
    const wait = (ticks: number): void => {
      for (let tick = 0; tick < ticks; tick++) {
        nowMs += 100;
        table.feed({ type: 'tick' }, 100);
        for (const peer of table.links) lastMs.set(peer, nowMs);
        longest = Math.max(longest, ...[...lastMs.values()].map((ms) => nowMs - ms));
      }
    };
    wait(100);
    expect([table.links.size, lastMs.size]).toEqual([MAX_LINKS, PEERS.length]);
    expect(longest).toBeLessThanOrEqual(4000);
    const first = [...table.links][0]!;
    table.feedOf('dialed', first);
    wait(4);
    expect(table.links.has(first)).toBe(true);
    // A later dial does not give it more time.
    table.feedOf('dialed', first);
    wait(12);
    expect(table.links.has(first)).toBe(false);
    longest = 0;
    wait(70);
    expect(table.links.has(first)).toBe(false);
    expect(longest).toBeGreaterThan(8000);
  });

  it('that wait for a place cost nothing in most ticks while all links work', () => {
    const table = new LinkTable();
    table.feed({ type: 'peers', snapshot: true, upserted: PEERS.map(addressOf), removed: [] });
    for (const source of table.links) table.feedOf('source-joined', source);
    table.looks = 0;
    for (let tick = 0; tick < 100; tick++) table.feed({ type: 'tick' }, 100);
    const spare = PEERS.length - MAX_LINKS;
    expect(table.looks).toBeLessThanOrEqual(100 * MAX_LINKS + 11 * spare);
  });

  it('of parties that never answer do not hide the one that does', () => {
    const table = new LinkTable();
    const all = Array.from({ length: 201 }, (_, at) => peerNamed(`${at}`)).map(addressOf);
    const honest = all[200]!.peerId;
    table.feed({ type: 'peers', snapshot: true, upserted: all, removed: [] });
    let ticks = 0;
    for (; !table.links.has(honest) && ticks < 100; ticks++) table.feed({ type: 'tick' }, 100);
    expect(ticks).toBeLessThan(30);
  });

  it('have one link each, none while banned, never too many, and in the end one to each listed peer', () => {
    const step = fc.tuple(fc.nat(9), fc.nat(PEERS.length - 1), fc.nat(60));
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 150 }), (steps) => {
        const table = new LinkTable();
        for (const [kind, at, count] of steps) act(table, kind, PEERS.slice(at, at + count));
        // All bans have expired, and a few peers are left.
        table.banned.clear();
        const few = PEERS.slice(0, 5);
        for (const peer of [...table.links]) table.feedOf('source-left', peer);
        table.feed({ type: 'peers', snapshot: true, upserted: few.map(addressOf), removed: [] });
        for (let tick = 0; tick < 250; tick++) table.feed({ type: 'tick' }, 100);
        expect([...table.links].sort()).toEqual([...few].sort());
        expect(table.candidates.counts.known).toBe(few.length);
      }),
      { numRuns: 100 },
    );
  });
});

function act(table: LinkTable, kind: number, peers: readonly PeerId[]): void {
  const linked = peers.filter((peer) => table.links.has(peer));
  switch (kind) {
    case 0:
      return table.feed({ type: 'peers', snapshot: false, upserted: peers.map(addressOf), removed: [] });
    case 1:
      return table.feed({ type: 'peers', snapshot: true, upserted: peers.map(addressOf), removed: [] });
    case 2:
      return table.feed({ type: 'peers', snapshot: false, upserted: [], removed: peers });
    case 3:
      for (const peer of peers.slice(0, 3)) table.banned.add(peer);
      return;
    case 4:
      for (const peer of peers) table.banned.delete(peer);
      return;
    case 5:
      for (const source of linked)
        table.feed({ type: 'block-arrived', source, id: 1, ref: { piece: 0, block: 0 } });
      return;
    case 6:
    case 7:
      return table.feed({ type: 'tick' }, peers.length * 100);
    default: {
      const type = (['source-joined', 'asked', 'source-left'] as const)[peers.length % 3]!;
      for (const peer of linked) table.feedOf(type, peer);
    }
  }
}
