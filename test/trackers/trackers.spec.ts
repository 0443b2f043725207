import { expect, test } from '@jest/globals';
import { chaos, type ChaosSize } from './chaos.js';

const MIB = 1 << 20;
/** `make chaos-trackers` sets a larger size. */
const { CHAOS_AGENTS, CHAOS_DOWNLOADS, CHAOS_MIB, CHAOS_ROUNDS } = process.env;

const SIZE: ChaosSize = {
  agents: Number(CHAOS_AGENTS ?? 6),
  downloads: Number(CHAOS_DOWNLOADS ?? 3),
  fileBytes: Number(CHAOS_MIB ?? 8) * MIB,
  bytesPerSecond: 2 * MIB,
  rounds: Number(CHAOS_ROUNDS ?? 1),
};
const TIMEOUT_MS = 600_000;

test(
  'downloads continue and all trackers agree on files, although a tracker and a NATS node are killed',
  async () => {
    const figures = await chaos(SIZE);
    if (CHAOS_AGENTS !== undefined) process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
    const all = SIZE.downloads * SIZE.rounds;
    expect(figures).toMatchObject({ finished: all, wrongFiles: 0, agreements: SIZE.rounds });
    // The kills hit active downloads.
    expect(figures.hit).toBe(all);
    if (SIZE.rounds >= 3) expect(figures.moved).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);
