import { expect, it } from '@jest/globals';
import { numberedFact, numberOf } from '../../test/sample-facts.js';
import { EmbeddedEventBus } from './embedded-event-bus.js';
import type { ReplayStart } from './event-bus.js';

const never = new AbortController().signal;

async function replayed(bus: EmbeddedEventBus, start: ReplayStart = { sinceMs: 0 }): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { event } of bus.replay(start, never)) numbers.push(numberOf(event));
  return numbers;
}

it('the embedded bus keeps no more events than configured', async () => {
  const bus = new EmbeddedEventBus({ source: 'tracker/t', maxEvents: 3 });
  for (let n = 1; n <= 10; n++) bus.publish(numberedFact(n));
  expect(await replayed(bus)).toEqual([8, 9, 10]);
  expect(await replayed(bus, { after: 8 })).toEqual([9, 10]);
});

it('the embedded bus replays no event that is older than configured', async () => {
  let now = 1_000_000;
  const bus = new EmbeddedEventBus({ source: 'tracker/t', maxAgeMs: 100, clock: () => now });
  bus.publish(numberedFact(1));
  now += 60;
  bus.publish(numberedFact(2));
  now += 60;
  expect(await replayed(bus)).toEqual([2]);
});

it('the embedded bus reports when the following events are no longer kept', async () => {
  const bus = new EmbeddedEventBus({ source: 'tracker/t', maxEvents: 3 });
  for (let n = 1; n <= 10; n++) bus.publish(numberedFact(n));
  await expect(replayed(bus, { after: 2 })).rejects.toMatchObject({
    code: 'exhausted',
    reason: 'SLOW_READER',
  });
});

it('the embedded bus adopts events of others unchanged', async () => {
  const bus = new EmbeddedEventBus({ source: 'tracker/t' });
  const event = { id: 'other-1', time: new Date(), source: 'messaging/m', event: numberedFact(7) };
  const heard: unknown[] = [];
  bus.subscribe((one) => heard.push(one));
  bus.adopt(event);
  expect(heard).toEqual([{ event, position: 1 }]);
  expect(await replayed(bus)).toEqual([7]);
});
