import { describe, expect, it } from '@jest/globals';
import { tenSecondRates } from '../../../test/support/windows.js';
import { VirtualSwarm, type VirtualPeer } from '../../../test/support/virtual-swarm.js';
import { UNLIMITED } from '../limits/byte-bucket.js';
import { weightOf, type Priority } from '../limits/priority.js';
import { RateLimiter, type RateShare } from '../limits/rate-limiter.js';
import { OutstandingBudget } from './outstanding-budget.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const MB = 1e6;

interface Download {
  readonly bytes: number;
  readonly pieceLength: number;
  readonly peers?: readonly VirtualPeer[];
  readonly priority?: Priority;
}

const FAST: readonly VirtualPeer[] = [
  { name: 'a', rate: 80 * MIB },
  { name: 'b', rate: 80 * MIB },
  { name: 'c', rate: 80 * MIB },
];

/** Downloads of one agent, on the same virtual time. */
class VirtualAgent {
  readonly shares: RateShare[];
  readonly swarms: VirtualSwarm[];

  constructor(limiter: RateLimiter, downloads: readonly Download[]) {
    const budget = new OutstandingBudget();
    this.shares = downloads.map(({ priority }) => {
      const share = limiter.share();
      if (priority) share.weight = weightOf(priority);
      return share;
    });
    this.swarms = downloads.map(
      ({ bytes, pieceLength, peers = FAST }, index) =>
        new VirtualSwarm({
          bytes,
          pieceLength,
          peers,
          seed: index + 1,
          budget: budget.share(this.shares[index]),
        }),
    );
  }

  /** In steps so small that the order within each hardly matters. */
  run(fromMs: number, toMs: number): void {
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += 5) for (const swarm of this.swarms) swarm.run(nowMs);
  }

  /** Bytes that each requested in between. */
  asked(fromMs: number, toMs: number): number[] {
    return this.swarms.map((swarm) =>
      swarm
        .run(0)
        .asked.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
        .reduce((sum, { bytes }) => sum + bytes, 0),
    );
  }

  /** Bytes requested by all that have not arrived. */
  get underWay(): number {
    return this.shares.reduce((sum, { underWay }) => sum + underWay, 0);
  }

  rates(fromMs: number, toMs: number): { lowest: number; highest: number } {
    const asked = this.swarms.flatMap((swarm) => swarm.run(0).asked);
    return tenSecondRates(asked, { fromMs, toMs });
  }
}

describe('the requests of an engine', () => {
  it.each([
    [0.1 * MB, 16 * KIB, 1],
    [0.1 * MB, 16 * KIB, 3],
    [1 * MB, 512 * KIB, 1],
    [4 * MB, 512 * KIB, 3],
    [10 * MB, 512 * KIB, 1],
  ])(
    'stay at %i bytes per second within 5 %% over any ten seconds (pieces of %i bytes, %i downloads)',
    (limit, pieceLength, count) => {
      const bytes = Math.ceil((limit * 16) / count / MIB) * MIB;
      const downloads = Array.from({ length: count }, () => ({ bytes, pieceLength }));
      const agent = new VirtualAgent(new RateLimiter(limit), downloads);
      agent.run(0, 15_000);
      const { lowest, highest } = agent.rates(1000, 15_000);
      expect(lowest).toBeGreaterThan(limit * 0.95);
      expect(highest).toBeLessThan(limit * 1.05);
    },
    60_000,
  );

  it('are spread evenly over all peers under a limit that one of them could fill', () => {
    const agent = new VirtualAgent(new RateLimiter(2 * MB), [{ bytes: 24 * MIB, pieceLength: 512 * KIB }]);
    agent.run(0, 10_000);
    const sent = [...agent.swarms[0]!.run(0).sent.values()];
    for (const bytes of sent) expect(bytes / sent.reduce((sum, its) => sum + its)).toBeGreaterThan(0.25);
  });

  it('are divided by priority where downloads share a limit', () => {
    const download = { bytes: 40 * MIB, pieceLength: 512 * KIB };
    const agent = new VirtualAgent(new RateLimiter(5 * MB), [
      { ...download, priority: 'high' },
      { ...download, priority: 'normal' },
      { ...download, priority: 'low' },
    ]);
    agent.run(0, 10_000);
    const [high, normal, low] = agent.asked(1000, 10_000);
    expect(high! / low!).toBeGreaterThan(3.3);
    expect(high! / low!).toBeLessThan(4.7);
    expect(normal! / low!).toBeGreaterThan(1.7);
    expect(normal! / low!).toBeLessThan(2.4);
  });

  it('are left to others by a download whose peers are slow', () => {
    const download = { bytes: 40 * MIB, pieceLength: 512 * KIB };
    const slow = { ...download, peers: [{ name: 'slow', rate: 0.2 * MB }] };
    const agent = new VirtualAgent(new RateLimiter(4 * MB), [slow, download]);
    agent.run(0, 10_000);
    const [, fast] = agent.asked(2000, 10_000);
    expect(fast! / 8).toBeGreaterThan(3.5 * MB);
  });

  it('are not charged for what a peer owed when it left', () => {
    const limiter = new RateLimiter(1 * MB);
    const peers = [
      { name: 'silent', rate: 1, silent: true, leavesMs: 900 },
      { name: 'good', rate: 80 * MIB, joinsMs: 1000 },
    ];
    const agent = new VirtualAgent(limiter, [{ bytes: 12 * MIB, pieceLength: 512 * KIB, peers }]);
    agent.run(0, 11_500);
    const { lowest } = agent.rates(1100, 11_500);
    expect(lowest).toBeGreaterThan(0.95 * MB);
  });

  it.each([
    ['of the agent', 0.5 * MB, UNLIMITED, 1],
    ['of the agent', 2 * MB, UNLIMITED, 3],
    ['of the agent', 1 * MB, 60 * MB, 1],
    ['of the download', 0.5 * MB, UNLIMITED, 1],
  ])(
    'and the blocks received follow at once a limit %s of %i that replaces %i, for %i downloads',
    (whose, limit, before, count) => {
      const limiter = new RateLimiter(before);
      const peers = FAST.map((peer) => ({ ...peer, rate: 5 * MIB }));
      const download = { bytes: 64 * MIB, pieceLength: 128 * KIB, peers };
      const agent = new VirtualAgent(
        limiter,
        Array.from({ length: count }, () => download),
      );
      agent.run(0, 1000);
      const setMs = 1002;
      expect(agent.underWay).toBeGreaterThan(8 * MIB);
      if (whose === 'of the agent') limiter.setLimit(limit, setMs);
      else agent.shares[0]!.setLimit(limit, setMs);
      agent.run(1005, 31_000);
      const arrived = agent.swarms.flatMap((swarm) => swarm.run(0).arrived);
      for (const fromMs of [setMs, setMs + 15_000]) {
        const { lowest, highest } = tenSecondRates(arrived, { fromMs, toMs: fromMs + 10_000 });
        expect(lowest).toBeGreaterThan(limit * 0.95);
        expect(highest).toBeLessThan(limit * 1.05);
      }
      expect(tenSecondRates(arrived, { fromMs: setMs, toMs: 31_000 }).highest).toBeLessThan(limit * 1.05);
      for (const swarm of agent.swarms) expect(swarm.run(0).discardedBytes).toBe(0);
    },
    60_000,
  );

  it('leave nothing in flight to pay for when the download ends', () => {
    const agent = new VirtualAgent(new RateLimiter(UNLIMITED), [{ bytes: 8 * MIB, pieceLength: 512 * KIB }]);
    agent.run(0, 20);
    expect(agent.underWay).toBeGreaterThan(0);
    agent.run(20, 5000);
    expect([agent.swarms[0]!.engine.isComplete, agent.underWay]).toEqual([true, 0]);
  });

  it('follow a limit that is lowered, raised and lifted midway', () => {
    const limiter = new RateLimiter(4 * MB);
    const agent = new VirtualAgent(limiter, [{ bytes: 96 * MIB, pieceLength: MIB }]);
    agent.run(0, 3000);
    limiter.setLimit(1 * MB, 3000);
    agent.run(3005, 14_000);
    const { lowest, highest } = agent.rates(3500, 14_000);
    expect(lowest).toBeGreaterThan(0.95 * MB);
    expect(highest).toBeLessThan(1.05 * MB);
    limiter.setLimit(8 * MB, 14_000);
    agent.run(14_005, 17_000);
    expect(agent.asked(15_000, 17_000)[0]! / 2 / (8 * MB)).toBeCloseTo(1, 1);
    limiter.setLimit(UNLIMITED, 17_000);
    expect(agent.swarms[0]!.run().completedMs).toBeLessThan(19_000);
  });
});
