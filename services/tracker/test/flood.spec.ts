import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EmbeddedEventBus } from '@enjambre/common/events/embedded-event-bus';
import { callUnary } from '@enjambre/rpc/client';
import { Harness, infohash, MODEL, type TestAgent } from './harness.js';

const FLOOD = 4000;

describe('a stranger that floods a tracker', () => {
  let bus: EmbeddedEventBus;
  let harness: Harness;
  let now: number;

  beforeEach(async () => {
    now = 1_700_000_000_000;
    bus = new EmbeddedEventBus({ source: 'tracker/test', maxEvents: 1000, clock: () => now });
    harness = await Harness.start({ events: bus, clock: () => now }, { addressBudget: 5 });
  });

  afterEach(() => harness.stop());

  const recorded = async (): Promise<unknown[]> => {
    const facts: unknown[] = [];
    for await (const { event } of bus.replay({ sinceMs: 0 }, new AbortController().signal))
      facts.push(event.event);
    return facts;
  };

  /** Shares and withdraws a file again and again; resolves when the tracker has read all of it. */
  const flood = async (agent: TestAgent): Promise<void> => {
    for (let count = 0; count < FLOOD / 2; count += 1) {
      agent.share(infohash(2));
      agent.say({ $case: 'withdraw', value: { infohash: infohash(2) } });
    }
    agent.say({ $case: 'unwatch', value: { infohash: infohash(2) } });
    await agent.next('problem');
  };

  test('causes a bounded number of events; the others are told as a number, and what it does counts', async () => {
    const mallory = await harness.agent('mallory');
    await flood(mallory);
    expect(bus.published).toBe(2000);
    mallory.share(infohash(3), { ...MODEL, name: 'last.bin' });
    mallory.share(infohash(3), { ...MODEL, name: 'last.bin', sizeBytes: 0n });
    await mallory.next('problem');
    const client = harness.client();
    const { file } = await callUnary(client.getFile.bind(client), { infohash: '03'.repeat(32) });
    expect(file?.name).toBe('last.bin');
    now += 10_000;
    await harness.stop();
    const told = (await recorded()).find((fact) => (fact as { $case: string }).$case === 'peerThrottled');
    // Its connection was an event, too.
    const eventCount = BigInt(FLOOD + 1 + 1 - 2000);
    expect(told).toMatchObject({ value: { peer: { name: 'mallory' }, eventCount, periodSeconds: 10n } });
  });

  test('does not push out the events of others', async () => {
    bus.publish({ $case: 'fileShared', value: { peer: undefined, file: undefined } }, '192.0.2.1');
    await flood(await harness.agent('mallory'));
    expect(await recorded()).toContainEqual(
      expect.objectContaining({ $case: 'fileShared', value: { peer: undefined, file: undefined } }),
    );
  });
});
