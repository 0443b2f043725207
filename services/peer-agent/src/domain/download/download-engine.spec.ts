import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import { parsePeerId } from '@enjambre/core/ids';
import fc from 'fast-check';
import { peerNamed } from '../../../test/support/ids.js';
import type { BlockRef } from '../block.js';
import type { DownloadEffect, DownloadEvent } from './messages.js';
import { OutstandingBudget } from './outstanding-budget.js';
import { VirtualSwarm, type SwarmOptions, type VirtualPeer } from '../../../test/support/virtual-swarm.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const PIECE = 512 * KIB;

function swarm(peers: readonly VirtualPeer[], options: Partial<SwarmOptions> = {}): VirtualSwarm {
  return new VirtualSwarm({ bytes: 16 * MIB, pieceLength: PIECE, peers, ...options });
}

function seeder(name: string, rate = 10 * MIB): VirtualPeer {
  return { name, rate };
}

function shares(sent: ReadonlyMap<string, number>, total: number): number[] {
  return [...sent.values()].map((bytes) => bytes / total);
}

/** The pieces requested of a peer, in order, each once. */
function piecesRequestedOf(name: string, trace: readonly string[]): number[] {
  const effects = trace.map((line) => JSON.parse(line.slice(line.indexOf('{'))) as DownloadEffect);
  const pieces = effects.flatMap((effect) =>
    effect.type === 'request' && effect.source === peerNamed(name) ? [effect.ref.piece] : [],
  );
  return [...new Set(pieces)];
}

describe('DownloadEngine', () => {
  it('fetches everything from one seeder at its full rate', () => {
    const { completedMs, discardedBytes, sent } = swarm([seeder('a')]).run();
    expect(completedMs).toBeLessThan(1600 * 1.15);
    expect(discardedBytes).toBe(0);
    expect(sent.get('a')).toBe(16 * MIB);
  });

  it('does nothing for a download that is complete', () => {
    const pieces = Array.from({ length: 32 }, (_, piece) => piece);
    const { trace } = swarm([seeder('a')], { have: pieces }).run(1000);
    expect(trace).toEqual([]);
  });

  it('fetches only what is missing after a restart', () => {
    const have = Array.from({ length: 31 }, (_, piece) => piece);
    const { sent, verified } = swarm([seeder('a')], { have }).run();
    expect(sent.get('a')).toBe(PIECE);
    expect(verified).toEqual([31]);
  });

  it('takes a fair share from each of three equal seeders', () => {
    const { sent, completedMs } = swarm([seeder('a'), seeder('b'), seeder('c')], { bytes: 60 * MIB }).run();
    for (const share of shares(sent, 60 * MIB)) {
      expect(share).toBeGreaterThan(0.28);
      expect(share).toBeLessThan(0.39);
    }
    expect(completedMs).toBeLessThan(2000 * 1.2);
  });

  it('takes from each seeder in proportion to its rate', () => {
    const { sent } = swarm([seeder('slow', 5 * MIB), seeder('fast', 20 * MIB)], { bytes: 100 * MIB }).run();
    const fast = sent.get('fast') ?? 0;
    expect(fast / (100 * MIB)).toBeGreaterThan(0.7);
  });

  it('fetches rare pieces first', () => {
    const common = Array.from({ length: 28 }, (_, piece) => piece);
    const { trace } = swarm(
      [
        seeder('all', 5 * MIB),
        { name: 'most', rate: MIB, has: common },
        { name: 'most2', rate: MIB, has: common },
      ],
      { config: { initialWindowBytes: PIECE } },
    ).run();
    // The first is requested before the others join.
    const [, ...next] = piecesRequestedOf('all', trace);
    expect(next.slice(0, 4).sort()).toEqual([28, 29, 30, 31]);
  });

  it('lets different downloaders start with different pieces', () => {
    const firsts = [1, 2, 3, 4, 5, 6].map((seed) => swarm([seeder('a')], { seed }).run().verified[0]);
    expect(new Set(firsts).size).toBeGreaterThan(3);
  });

  it('behaves the same for the same seed', () => {
    const peers = [seeder('a', 3 * MIB), seeder('b', 7 * MIB), { name: 'c', rate: MIB, leavesMs: 700 }];
    expect(swarm(peers, { seed: 7 }).run().trace).toEqual(swarm(peers, { seed: 7 }).run().trace);
  });

  it('is not held up at the end by a peer that is many times slower', () => {
    const { completedMs, sent } = swarm([seeder('fast', 20 * MIB), seeder('slow', 64 * KIB)], {
      bytes: 32 * MIB,
    }).run();
    expect(completedMs).toBeLessThan(1600 + 1500);
    expect((sent.get('fast') ?? 0) + (sent.get('slow') ?? 0)).toBeLessThan(32 * MIB * 1.05);
  });

  it('fetches hardly anything twice in a swarm of equals', () => {
    const peers = Array.from({ length: 8 }, (_, index) => seeder(`s${index}`, 4 * MIB));
    const { discardedBytes, sent } = swarm(peers, { bytes: 64 * MIB }).run();
    const total = [...sent.values()].reduce((sum, bytes) => sum + bytes, 0);
    expect(total / (64 * MIB)).toBeLessThan(1.03);
    expect(discardedBytes / (64 * MIB)).toBeLessThan(0.02);
  });

  it('finishes despite a peer that takes requests and never answers', () => {
    const { completedMs, banned } = swarm([
      seeder('good', 4 * MIB),
      { name: 'dead', rate: 1, silent: true },
    ]).run();
    expect(completedMs).toBeLessThan(16_000);
    expect(banned).toEqual([]);
  });

  it('uses a block that arrives after its request was given up', () => {
    // A block takes longer than the timeout: every one arrives after its request was given up.
    const { completedMs, discardedBytes } = swarm([seeder('slow', 20 * KIB)], { bytes: 2 * PIECE }).run();
    expect(completedMs).toBeLessThan(80_000);
    expect(discardedBytes).toBeLessThanOrEqual(256 * KIB);
  });

  it('gives the requests of a peer to others when it leaves', () => {
    const { completedMs } = swarm([
      seeder('stays', 4 * MIB),
      { name: 'goes', rate: 8 * MIB, leavesMs: 400 },
    ]).run();
    expect(completedMs).toBeLessThan(4500);
  });

  it('resumes when the only peer comes back', () => {
    const { completedMs } = swarm([
      { name: 'first', rate: 8 * MIB, leavesMs: 500 },
      { name: 'later', rate: 8 * MIB, joinsMs: 5000 },
    ]).run();
    expect(completedMs).toBeGreaterThan(5000);
    expect(completedMs).toBeLessThan(8000);
  });

  it('bans the sole sender of a bad piece at once, and finishes with the others', () => {
    const bad = { name: 'bad', rate: 10 * MIB, corrupts: () => true };
    const { banned, completedMs } = swarm([bad, seeder('good', 2 * MIB)]).run();
    expect(banned).toEqual(['bad']);
    expect(completedMs).toBeDefined();
  });

  it('identifies the culprit, and only the culprit, among several senders of a piece', () => {
    const peers: VirtualPeer[] = [
      { name: 'bad', rate: 4 * MIB, corrupts: ({ block }) => block === 1 },
      seeder('good1', 4 * MIB),
      seeder('good2', 4 * MIB),
    ];
    // Few large pieces: all three peers work on the same ones.
    const { banned, completedMs } = swarm(peers, { bytes: 16 * MIB, pieceLength: 8 * MIB }).run();
    expect(banned).toEqual(['bad']);
    expect(completedMs).toBeDefined();
  });

  it.each([50_000, 200_000, MIB])(
    'does not leave a parole piece to a silent peer or to one at %i bytes per second',
    (rate) => {
      const peers: VirtualPeer[] = [
        { name: 'slow', rate },
        { name: 'dead', rate: 1, silent: true },
        { name: 'bad', rate: 4 * MIB, corrupts: ({ block }) => block % 3 === 1 },
        seeder('good', 4 * MIB),
      ];
      const { banned, completedMs } = swarm(peers, { bytes: 16 * MIB, pieceLength: 8 * MIB }).run();
      expect(banned).toEqual(['bad']);
      expect(completedMs).toBeLessThan(10_000);
    },
  );

  it('lets a slow or silent peer send a piece alone if no better one has it', () => {
    const peers: VirtualPeer[] = [
      { name: 'bad', rate: 4 * MIB, corrupts: ({ block }) => block === 0, leavesMs: 3000 },
      { name: 'slow', rate: MIB },
      { name: 'dead', rate: 1, silent: true },
    ];
    const { completedMs } = swarm(peers, { bytes: 8 * MIB, pieceLength: 4 * MIB }).run();
    expect(completedMs).toBeLessThan(30_000);
  });

  it('uses a banned peer again when it is let in', () => {
    const { engine, layout } = swarm([]);
    const peer = parsePeerId('ab'.repeat(32));
    const has = (): Bitfield => Bitfield.full(layout.pieceCount);
    const send = (): string[] => {
      const asked = engine.handle({ type: 'source-joined', source: peer, has: has() }, 0);
      return asked.flatMap((effect) => {
        if (effect.type !== 'request') return [];
        engine.handle({ type: 'block-arrived', source: peer, id: effect.id, ref: effect.ref }, 1);
        return engine
          .handle({ type: 'block-stored', ref: effect.ref, digest: Buffer.alloc(32) }, 1)
          .map(({ type }) => type)
          .filter((type) => type === 'ban');
      });
    };
    expect(send()).toEqual(['ban']);
    expect(send()).toEqual(['ban']);
  });

  it('reports a peer once for all bad data of a link, also when that becomes known after the peer is let in again', () => {
    const { engine, layout } = swarm([], { bytes: 4 * MIB, pieceLength: MIB });
    const peer = parsePeerId('ab'.repeat(32));
    let reports = 0;
    const asked: { id: number; ref: BlockRef }[] = [];
    const feed = (event: DownloadEvent): void => {
      for (const effect of engine.handle(event, 1)) {
        if (effect.type === 'ban') reports += 1;
        if (effect.type === 'request') asked.push(effect);
      }
    };
    const join = (): void =>
      feed({ type: 'source-joined', source: peer, has: Bitfield.full(layout.pieceCount) });
    const arrive = (): BlockRef[] =>
      asked.splice(0).map(({ id, ref }) => {
        feed({ type: 'block-arrived', source: peer, id, ref });
        return ref;
      });
    const store = (refs: readonly BlockRef[]): void => {
      for (const ref of refs) feed({ type: 'block-stored', ref, digest: Buffer.alloc(32) });
    };
    join();
    const early: BlockRef[] = [];
    while (asked.length > 0) early.push(...arrive());
    expect(early).toHaveLength(16);
    feed({ type: 'source-left', source: peer });
    join();
    asked.length = 0;
    const first = early.filter(({ piece }) => piece === early[0]!.piece);
    store(first);
    expect(reports).toBe(1);
    join();
    // The rest of what it sent before the report: the same cause.
    store(early.filter((ref) => !first.includes(ref)));
    expect(reports).toBe(1);
    while (asked.length > 0 && reports === 1) store(arrive());
    expect(reports).toBe(2);
  });

  it('keeps requested and unstored bytes within its bound when the disk is slow', () => {
    const budget = new OutstandingBudget(4 * MIB).share();
    const { maxOutstandingBytes, completedMs } = swarm([seeder('a', 100 * MIB)], {
      diskRate: 5 * MIB,
      budget,
    }).run();
    expect(maxOutstandingBytes).toBeLessThanOrEqual(4 * MIB + 256 * KIB);
    expect(completedMs).toBeGreaterThan(3000);
    expect(completedMs).toBeLessThan(4500);
  });

  it('keeps that bound while it repeats late requests', () => {
    const budget = new OutstandingBudget(PIECE + 1).share();
    const peers: VirtualPeer[] = [
      { name: 'dead', rate: 1, silent: true },
      { name: 'good', rate: MIB, joinsMs: 100 },
    ];
    const { maxOutstandingBytes, completedMs } = swarm(peers, { bytes: PIECE, budget }).run();
    expect(maxOutstandingBytes).toBeLessThanOrEqual(PIECE + 1 + 256 * KIB);
    expect(completedMs).toBeLessThan(6000);
  });

  it('finishes whichever peers come and go, while one honest seeder stays', () => {
    const peer = fc.record({
      rate: fc.integer({ min: 64 * KIB, max: 20 * MIB }),
      latencyMs: fc.integer({ min: 0, max: 200 }),
      joinsMs: fc.integer({ min: 0, max: 3000 }),
      leavesMs: fc.option(fc.integer({ min: 0, max: 6000 }), { nil: undefined }),
      silent: fc.boolean(),
      badEvery: fc.integer({ min: 0, max: 5 }),
      has: fc.option(fc.uniqueArray(fc.integer({ min: 0, max: 15 }), { maxLength: 16 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(peer, { maxLength: 6 }), fc.nat(1e6), fc.boolean(), (others, seed, large) => {
        const pieceLength = large ? 4 * PIECE : PIECE;
        const pieceCount = (8 * MIB) / pieceLength;
        const peers = others.map(({ badEvery, leavesMs, has, ...rest }, index): VirtualPeer => ({
          ...rest,
          name: `peer${index}`,
          ...(leavesMs !== undefined && { leavesMs }),
          ...(has && { has: has.filter((piece) => piece < pieceCount) }),
          ...(badEvery > 0 && { corrupts: ({ piece, block }) => (piece + block) % badEvery === 0 }),
        }));
        const honest = new Set(peers.filter(({ corrupts }) => !corrupts).map(({ name }) => name));
        const result = swarm([seeder('honest', 2 * MIB), ...peers], {
          bytes: 8 * MIB,
          pieceLength,
          seed,
        }).run();
        expect(result.completedMs).toBeDefined();
        expect(result.violations).toEqual([]);
        expect(result.banned.filter((name) => name === 'honest' || honest.has(name))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

describe('DownloadEngine, violations', () => {
  const peer = parsePeerId('11'.repeat(32));

  function joined(): VirtualSwarm {
    const virtual = swarm([]);
    virtual.engine.handle(
      { type: 'source-joined', source: peer, has: Bitfield.full(virtual.layout.pieceCount) },
      0,
    );
    return virtual;
  }

  it('treats an unrequested block as a violation, and does not store it', () => {
    const effects = joined().engine.handle(
      { type: 'block-arrived', source: peer, id: 999, ref: { piece: 0, block: 0 } },
      1,
    );
    expect(effects).toMatchObject([{ type: 'violation', source: peer }]);
  });

  it('treats an answer with a different block as a violation', () => {
    const { engine, layout } = swarm([]);
    const effects = engine.handle(
      { type: 'source-joined', source: peer, has: Bitfield.full(layout.pieceCount) },
      0,
    );
    const asked = effects.find((effect) => effect.type === 'request')!;
    const ref = { piece: (asked.ref.piece + 1) % layout.pieceCount, block: 0 };
    expect(engine.handle({ type: 'block-arrived', source: peer, id: asked.id, ref }, 1)).toMatchObject([
      { type: 'violation' },
    ]);
  });

  it('requests from others what a peer answered with another block, once it has left', () => {
    const { engine, layout } = swarm([], { bytes: PIECE });
    const has = Bitfield.full(layout.pieceCount);
    const asked = engine
      .handle({ type: 'source-joined', source: peer, has }, 0)
      .flatMap((effect) => (effect.type === 'request' ? [effect] : []));
    const [first, second] = asked;
    engine.handle({ type: 'block-arrived', source: peer, id: first!.id, ref: second!.ref }, 1);
    engine.handle({ type: 'source-left', source: peer }, 2);
    expect(engine.outstandingBytes).toBe(0);
    const other = parsePeerId('22'.repeat(32));
    const after = engine.handle({ type: 'source-joined', source: other, has: has.clone() }, 3);
    const refs = after.flatMap((effect) => (effect.type === 'request' ? [effect.ref] : []));
    expect(refs).toEqual(expect.arrayContaining([first!.ref, second!.ref]));
  });

  it('requests nothing of a peer that chokes, and resumes when it unchokes', () => {
    const { engine } = joined();
    const choked = engine.handle({ type: 'source-choked', source: peer }, 10);
    expect(choked.every(({ type }) => type === 'cancel')).toBe(true);
    expect(engine.handle({ type: 'tick' }, 100)).toEqual([]);
    expect(
      engine.handle({ type: 'source-unchoked', source: peer }, 200).some(({ type }) => type === 'request'),
    ).toBe(true);
  });

  it('stops requesting from a peer that chokes and unchokes endlessly and answers nothing', () => {
    const { engine } = joined();
    let asked = 0;
    for (let round = 0; round < 5000; round++) {
      engine.handle({ type: 'source-choked', source: peer }, round);
      const effects = engine.handle({ type: 'source-unchoked', source: peer }, round);
      asked += effects.filter(({ type }) => type === 'request').length;
    }
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(2048);
  });

  it('does not request a piece again from a peer that turned out not to have it', () => {
    const { engine, layout } = swarm([], { bytes: PIECE });
    const [asked] = engine.handle(
      { type: 'source-joined', source: peer, has: Bitfield.full(layout.pieceCount) },
      0,
    );
    if (asked?.type !== 'request') throw new Error('nothing was asked');
    const after = engine.handle(
      { type: 'block-rejected', source: peer, id: asked.id, reason: 'not-available' },
      10,
    );
    expect(after.filter(({ type }) => type === 'request')).toEqual([]);
  });
});
