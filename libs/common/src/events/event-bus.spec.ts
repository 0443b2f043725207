import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import { numberedFact, numberOf } from '../../test/sample-facts.js';
import { createLogger } from '../log/logger.js';
import { NatsLink } from '../nats/nats-link.js';
import { NatsServer } from '@enjambre/harness/nats-server';
import { waitFor } from '@enjambre/harness/wait-for';
import { EmbeddedEventBus } from './embedded-event-bus.js';
import type { EventBus, HeardEvent } from './event-bus.js';
import { NatsEventBus } from './nats-event-bus.js';

interface Subject {
  readonly bus: EventBus;
  /** Resolves when everything published is recorded. */
  recorded(count: number): Promise<void>;
  stop(): Promise<void>;
}

const log = createLogger({ name: 'test', level: 'silent' });
const source = 'tracker/test';
const never = new AbortController().signal;

async function embedded(): Promise<Subject> {
  const bus = new EmbeddedEventBus({ source });
  await bus.start();
  return { bus, recorded: () => Promise.resolve(), stop: () => bus.stop() };
}

async function onNats(): Promise<Subject> {
  const server = await NatsServer.start();
  const link = new NatsLink({ log }, { url: server.url, name: 'test' });
  await link.start();
  const bus = new NatsEventBus({ link, log }, { source });
  await bus.start();
  return {
    bus,
    recorded: async (count) => {
      const places = async (): Promise<boolean> =>
        (await replayed(bus)).filter(({ position }) => position !== undefined).length === count;
      await waitFor(places, { what: 'the events to be stored' });
    },
    stop: async () => {
      await bus.stop();
      await link.stop();
      await server.stop();
    },
  };
}

async function replayed(bus: EventBus, sinceMs = 0): Promise<HeardEvent[]> {
  const heard: HeardEvent[] = [];
  for await (const one of bus.replay({ sinceMs }, never)) heard.push(one);
  return heard;
}

const numbers = (heard: readonly { event: Event }[]): number[] => heard.map(({ event }) => numberOf(event));

describe.each([
  ['embedded', embedded],
  ['NATS', onNats],
])('the %s event bus', (_, make) => {
  let subject: Subject;
  let bus: EventBus;

  beforeEach(async () => {
    subject = await make();
    bus = subject.bus;
  });

  afterEach(() => subject.stop());

  it('notifies every listener at once, in order, with id, time and source', () => {
    const heard: [Event[], Event[]] = [[], []];
    for (const events of heard) bus.subscribe(({ event }) => events.push(event));
    const startMs = Date.now();
    for (let n = 0; n < 5; n++) bus.publish(numberedFact(n));
    for (const events of heard) expect(events.map(numberOf)).toEqual([0, 1, 2, 3, 4]);
    const [events] = heard;
    expect(new Set(events.map(({ id }) => id)).size).toBe(5);
    for (const { time, source: from } of events) {
      expect(from).toBe(source);
      expect(time!.getTime()).toBeGreaterThanOrEqual(startMs);
      expect(time!.getTime()).toBeLessThanOrEqual(Date.now());
    }
  });

  it('notifies no listener after its end', () => {
    const heard: Event[] = [];
    const end = bus.subscribe(({ event }) => heard.push(event));
    bus.publish(numberedFact(1));
    end();
    bus.publish(numberedFact(2));
    expect(heard.map(numberOf)).toEqual([1]);
  });

  it('replays what has just been published, with the same ids, recorded or not', async () => {
    const live: Event[] = [];
    bus.subscribe(({ event }) => live.push(event));
    for (let n = 0; n < 700; n++) bus.publish(numberedFact(n));
    expect((await replayed(bus)).map(({ event }) => event)).toEqual(live);
  });

  it('gives increasing positions, and resumes after any of them', async () => {
    for (let n = 0; n < 600; n++) bus.publish(numberedFact(n));
    await subject.recorded(600);
    const all = await replayed(bus);
    expect(numbers(all)).toEqual(Array.from({ length: 600 }, (_unused, n) => n));
    const after = all[122]!.position!;
    const rest: HeardEvent[] = [];
    for await (const one of bus.replay({ after }, never)) rest.push(one);
    expect(rest).toEqual(all.slice(123));
  });

  it('replays only what happened since a time', async () => {
    bus.publish(numberedFact(1));
    const before = Date.now();
    await waitFor(() => Date.now() > before, { what: 'the next millisecond', everyMs: 1 });
    const sinceMs = Date.now();
    bus.publish(numberedFact(2));
    await subject.recorded(2);
    expect(numbers(await replayed(bus, sinceMs))).toEqual([2]);
    expect(numbers(await replayed(bus, Date.now() + 60_000))).toEqual([]);
  });

  it('ends a replay quietly when its signal aborts', async () => {
    for (let n = 0; n < 10; n++) bus.publish(numberedFact(n));
    await subject.recorded(10);
    const abort = new AbortController();
    const heard: HeardEvent[] = [];
    for await (const one of bus.replay({ sinceMs: 0 }, abort.signal)) {
      heard.push(one);
      abort.abort();
    }
    expect(numbers(heard)).toEqual([0]);
  });

  it('replays nothing when there was nothing', async () => {
    expect(await replayed(bus)).toEqual([]);
    expect(bus.dropped).toBe(0);
  });
});
