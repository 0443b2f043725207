import { expect, test } from '@jest/globals';
import { rolling, type RollingSize } from './rolling.js';

const MIB = 1 << 20;
/** `make rolling` sets a larger size. */
const { ROLLING_ROUNDS, ROLLING_AGENTS, ROLLING_MIB, ROLLING_TRACKERS } = process.env;

const SIZE: RollingSize = {
  trackers: Number(ROLLING_TRACKERS ?? 3),
  downloaders: Number(ROLLING_AGENTS ?? 2),
  files: 2,
  fileBytes: Number(ROLLING_MIB ?? 8) * MIB,
  bytesPerSecond: 8 * MIB,
  rounds: Number(ROLLING_ROUNDS ?? 1),
};
const TIMEOUT_MS = 900_000;

test(
  'no download fails and no message is lost while all trackers and the messaging service are restarted in turn',
  async () => {
    const figures = await rolling(SIZE);
    if (ROLLING_ROUNDS !== undefined) process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
    expect(figures).toMatchObject({ failedDownloads: [], wrongFiles: 0 });
    expect(figures).toMatchObject({ missing: 0, doubled: 0, outOfOrder: 0 });
    expect(new Set(figures.exitCodes)).toEqual(new Set([0]));
    // There was load, and the restarts hit it.
    expect(figures.restarts).toBe(2 * SIZE.rounds * (SIZE.trackers + 1));
    expect(figures.restartsInDownloads).toBe(figures.restarts);
    expect(figures.downloads).toBeGreaterThan(0);
    expect(figures.messages).toBeGreaterThan(figures.restarts);
  },
  TIMEOUT_MS,
);
