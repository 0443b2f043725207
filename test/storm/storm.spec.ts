import { expect, test } from '@jest/globals';
import { storm, type StormSize } from './storm.js';

/** `make storm` sets a larger size. */
const { STORM_MESSAGES, STORM_SENDERS, STORM_RECEIVERS } = process.env;

const SIZE: StormSize = {
  messages: Number(STORM_MESSAGES ?? 600),
  senders: Number(STORM_SENDERS ?? 6),
  receivers: Number(STORM_RECEIVERS ?? 6),
  messagingKills: 5,
  natsKills: 2,
};
const TIMEOUT_MS = 300_000;

test(
  'every acknowledged message arrives once and in order, although messaging service and NATS are killed',
  async () => {
    const figures = await storm(SIZE);
    if (STORM_MESSAGES !== undefined) process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
    expect(figures).toMatchObject({ doubled: 0, missing: 0, outOfOrder: 0 });
    expect(figures.deliveries).toBe(figures.expectedDeliveries);
    // The kills hit open streams and calls.
    expect(figures.interruptedStreams).toBeGreaterThanOrEqual(SIZE.messagingKills);
    expect(figures.retries).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);
