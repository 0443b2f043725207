import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { nanos, type NatsConnection } from 'nats';
import { numberedFact, numberOf } from '../../test/sample-facts.js';
import { createLogger, type Logger } from '../log/logger.js';
import { NatsLink } from '../nats/nats-link.js';
import { connectToNats } from '@enjambre/harness/nats-client';
import { NatsServer } from '@enjambre/harness/nats-server';
import { waitFor } from '@enjambre/harness/wait-for';
import { encodeEvent } from './convert.js';
import type { HeardEvent } from './event-bus.js';
import { EVENT_STREAM } from './event-stream.js';
import { NatsEventBus, type NatsEventBusInit } from './nats-event-bus.js';

const never = new AbortController().signal;

/** A service's bus, with the events that it delivered and its log. */
class Service {
  readonly heard: number[] = [];
  readonly warnings: string[] = [];
  readonly link: NatsLink;
  readonly bus: NatsEventBus;

  private constructor(url: string, init: NatsEventBusInit) {
    const log: Logger = createLogger({ name: 'test', level: 'silent' });
    log.warn = (_: unknown, line?: string) => this.warnings.push(String(line));
    this.link = new NatsLink({ log }, { url, name: init.source });
    this.bus = new NatsEventBus({ link: this.link, log }, init);
    this.bus.subscribe(({ event }) => this.heard.push(numberOf(event)));
  }

  static async start(url: string, init: NatsEventBusInit): Promise<Service> {
    const service = new Service(url, init);
    await service.link.start();
    await service.bus.start();
    return service;
  }

  publish(from: number, to: number): void {
    for (let n = from; n < to; n++) this.bus.publish(numberedFact(n));
  }

  async replay(): Promise<HeardEvent[]> {
    const heard: HeardEvent[] = [];
    for await (const one of this.bus.replay({ sinceMs: 0 }, never)) heard.push(one);
    return heard;
  }

  /** The numbers of all events in the stream, once it has `count` of them. */
  async stored(count: number): Promise<number[]> {
    return waitFor(
      async () => {
        const replayed = await this.replay();
        const all = replayed.filter(({ position }) => position !== undefined);
        return all.length >= count && all.map(({ event }) => numberOf(event));
      },
      // Fails while NATS or the stream is missing.
      { what: `${count} events to be stored`, retryErrors: true },
    );
  }

  async stop(): Promise<void> {
    await this.bus.stop();
    await this.link.stop();
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

describe('the event bus on NATS', () => {
  let server: NatsServer;
  let services: Service[];

  beforeEach(async () => {
    server = await NatsServer.start();
    services = [];
  });

  afterEach(async () => {
    for (const service of services) await service.stop();
    await server.stop();
  });

  async function service(name: string, init: Partial<NatsEventBusInit> = {}): Promise<Service> {
    const made = await Service.start(server.url, { source: `tracker/${name}`, ...init });
    services.push(made);
    return made;
  }

  async function stranger<T>(work: (connection: NatsConnection) => Promise<T>): Promise<T> {
    const connection = await connectToNats(server.url);
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  }

  it('delivers all events to each service, its own only once', async () => {
    const [a, b] = [await service('a'), await service('b')];
    a.publish(0, 50);
    b.publish(100, 150);
    await waitFor(() => a.heard.length >= 100 && b.heard.length >= 100, { what: 'all events at both' });
    a.publish(50, 51);
    await waitFor(() => b.heard.includes(50), { what: 'the last event' });
    for (const { heard } of [a, b]) {
      expect(heard.filter((n) => n < 100)).toEqual(range(0, 51));
      expect(heard.filter((n) => n >= 100)).toEqual(range(100, 150));
    }
  });

  it('loses and duplicates nothing when nats-server is killed again and again between sending and storing', async () => {
    const [a, b] = [await service('a'), await service('b')];
    for (let round = 0; round < 3; round++) {
      const first = round * 400;
      a.publish(first, first + 300);
      await waitFor(() => b.heard.length > first, { what: 'the first of them to be stored', everyMs: 1 });
      await server.kill();
      a.publish(first + 300, first + 400);
      await server.restart();
      await waitFor(() => b.heard.length >= first + 400, { what: 'the rest to come over' });
    }
    expect(await b.stored(1200)).toEqual(range(0, 1200));
    expect(a.heard).toEqual(range(0, 1200));
    expect(b.heard).toEqual(range(0, 1200));
    expect(a.bus.dropped).toBe(0);
  });

  it('works without NATS from the start, and later sends the queued events in order', async () => {
    await server.kill();
    const a = await service('a');
    a.publish(0, 20);
    expect(a.heard).toEqual(range(0, 20));
    await expect(a.replay()).rejects.toMatchObject({ code: 'unavailable', reason: 'NATS_UNREACHABLE' });
    await server.restart();
    expect(await a.stored(20)).toEqual(range(0, 20));
  });

  it('drops the oldest when too many wait, and logs their number when NATS is back', async () => {
    const a = await service('a', { maxBacklog: 10 });
    await server.kill();
    await waitFor(() => !a.link.connected, { what: 'the loss to be noticed' });
    a.publish(0, 25);
    expect(a.bus.dropped).toBe(15);
    expect(a.heard).toEqual(range(0, 25));
    await server.restart();
    expect(await a.stored(10)).toEqual(range(15, 25));
    await waitFor(() => a.warnings.some((line) => line.startsWith('15 events were dropped')), {
      what: 'the warning',
    });
    expect(a.bus.dropped).toBe(15);
  });

  it('skips foreign messages with a warning, live and in replay', async () => {
    const a = await service('a');
    const json = encodeEvent({ id: 'x-1', time: new Date(), source: 'tracker/x', event: numberedFact(7) });
    await stranger(async (connection) => {
      for (const bad of [
        '{"hello":',
        '{}',
        'null',
        json.replace('bob', 'b'.repeat(2000)),
        'x'.repeat(60_000),
      ])
        connection.publish('enjambre.message.delivered', bad);
      connection.publish('enjambre.message.sent', json);
      connection.publish('enjambre.file.eaten', json);
      connection.publish('enjambre.message.delivered', json);
      await connection.flush();
    });
    await waitFor(() => a.heard.length > 0, { what: 'the good event' });
    expect(a.heard).toEqual([7]);
    expect(await a.stored(1)).toEqual([7]);
    expect(a.warnings).toEqual(['a message that is not an Enjambre event was skipped']);
  });

  it('notices when NATS has lost its consumer, and misses nothing', async () => {
    const [a, b] = [await service('a'), await service('b')];
    await stranger(async (connection) => {
      const manager = await connection.jetstreamManager();
      for await (const { name } of manager.consumers.list(EVENT_STREAM))
        await manager.consumers.delete(EVENT_STREAM, name);
    });
    b.publish(0, 3);
    await waitFor(() => a.heard.length === 3, { what: 'the events to come after all' });
    expect(a.heard).toEqual([0, 1, 2]);
  });

  it('starts again when the stream was deleted', async () => {
    const [a, b] = [await service('a'), await service('b')];
    a.publish(0, 3);
    await waitFor(() => b.heard.length === 3, { what: 'the first events' });
    await stranger(async (connection) => (await connection.jetstreamManager()).streams.delete(EVENT_STREAM));
    a.publish(3, 6);
    expect(await a.stored(3)).toEqual([3, 4, 5]);
  });

  it('applies the configured retention, and keeps that of an existing stream without one', async () => {
    const config = (): Promise<unknown> =>
      stranger(
        async (connection) => (await (await connection.jetstreamManager()).streams.info(EVENT_STREAM)).config,
      );
    await service('a', { retention: { maxAgeMs: 60_000, maxBytes: 1_000_000 } });
    const wanted = { max_age: nanos(60_000), max_bytes: 1_000_000, duplicate_window: nanos(60_000) };
    expect(await config()).toMatchObject(wanted);
    await service('b');
    expect(await config()).toMatchObject(wanted);
    expect(await config()).toHaveProperty('description', expect.stringMatching(/^Enjambre: events/));
    await service('c', { retention: { maxAgeMs: 3_600_000, maxBytes: 2_000_000 } });
    expect(await config()).toMatchObject({ max_age: nanos(3_600_000), max_bytes: 2_000_000 });
  });

  it('leaves other subjects below "enjambre." to other streams', async () => {
    await service('a');
    await stranger(async (connection) => {
      const manager = await connection.jetstreamManager();
      await manager.streams.add({ name: 'OTHER', subjects: ['enjambre.inbox.>', 'enjambre.outbox.>'] });
    });
  });

  it('stores its last events before it stops', async () => {
    const [a, b] = [await service('a'), await service('b')];
    a.publish(0, 500);
    await a.stop();
    expect(await b.stored(500)).toEqual(range(0, 500));
  });
});
