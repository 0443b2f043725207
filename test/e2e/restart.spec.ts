import { expect, jest, test } from '@jest/globals';
import { benchRestart } from '../../bench/src/restart.js';

jest.setTimeout(180_000);

const SHARES = 100;
const BYTES = 4 << 20;
const PIECE = 64 << 10;
/** Bytes of Node's files and ours, the state of the transfers, and a sample of three pieces of each share. */
const READ_ANYWAY = 48 << 20;

test('an agent with 100 shares serves them again after SIGTERM and kill -9, without hashing', async () => {
  const { shares, stopped, killed } = await benchRestart({
    shares: SHARES,
    bytes: BYTES,
    pieceLength: PIECE,
    rounds: 1,
  });
  expect(shares).toBe(SHARES);
  // Each share has 64 pieces: hashing them again would read them all again.
  expect(READ_ANYWAY).toBeLessThan((SHARES * BYTES) / 4);
  for (const { readBytes } of [...stopped, ...killed]) {
    expect(readBytes).toBeLessThan(READ_ANYWAY);
  }
  expect([stopped.length, killed.length]).toEqual([1, 1]);
});
