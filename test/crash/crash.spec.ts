import { expect, test } from '@jest/globals';
import { crash, type CrashSize } from './crash.js';

const MIB = 1 << 20;
/** `make crash` sets a larger size. */
const { CRASH_KILLS, CRASH_MIB, CRASH_SEED } = process.env;

const SIZE: CrashSize = {
  kills: Number(CRASH_KILLS ?? 4),
  fileBytes: Number(CRASH_MIB ?? 64) * MIB,
  seed: Number(CRASH_SEED ?? 1),
  bytesPerSecond: CRASH_KILLS === undefined ? 32 * MIB : undefined,
};
const TIMEOUT_MS = 1_800_000;

test(
  'a download that is killed again and again ends right, and never claims a piece that is not there',
  async () => {
    const figures = await crash(SIZE);
    if (CRASH_KILLS !== undefined) process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
    expect(figures).toMatchObject({ wrongFiles: 0, falseClaims: 0 });
    // The kills hit active downloads.
    expect(figures.killsMidway).toBeGreaterThan(0);
    expect(figures.claimsChecked).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);
