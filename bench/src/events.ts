import { EmbeddedEventBus } from '@enjambre/common/events/embedded-event-bus';
import type { EventBus, Fact } from '@enjambre/common/events/event-bus';
import { NatsEventBus } from '@enjambre/common/events/nats-event-bus';
import { createLogger } from '@enjambre/common/log/logger';
import { NatsLink } from '@enjambre/common/nats/nats-link';
import { NatsServer } from '@enjambre/harness/nats-server';
import { quantile } from './statistics.js';

/** One run of a bus. */
export interface EventSample {
  readonly eventsPerSecond: number;
  /** From publishing to the listener, in microseconds, at the paced rate. */
  readonly p50Us: number;
  readonly p99Us: number;
}

export interface EventBenchInit {
  /** Published at once, for the throughput. */
  readonly events: number;
  /** Published one after the other, for the latency. */
  readonly paced: number;
}

const SOURCE = 'tracker/bench';
/** Rate of a busy network: 1000 events per second. */
const PACE_MS = 1;
const log = createLogger({ name: 'bench', level: 'silent' });

/** Events of one service to a listener in the same process. */
export async function benchEmbedded(init: EventBenchInit): Promise<EventSample> {
  const bus = new EmbeddedEventBus({ source: SOURCE });
  return measure({ from: bus, to: bus }, init);
}

/** Events of one service over NATS, stored in JetStream, to a listener of another. */
export async function benchNats(init: EventBenchInit): Promise<EventSample> {
  const server = await NatsServer.start();
  const links = ['from', 'to'].map((name) => new NatsLink({ log }, { url: server.url, name }));
  const buses = links.map(
    (link) => new NatsEventBus({ link, log }, { source: SOURCE, maxBacklog: init.events }),
  );
  try {
    for (const part of [...links, ...buses]) await part.start();
    const [from, to] = buses;
    if (!from || !to) throw new Error('two buses are needed');
    return await measure({ from, to }, init);
  } finally {
    for (const part of [...buses, ...links]) await part.stop();
    await server.stop();
  }
}

async function measure(
  { from, to }: { from: EventBus; to: EventBus },
  { events, paced }: EventBenchInit,
): Promise<EventSample> {
  const receiver = new Receiver(to);
  await receiver.run(from, Math.min(events, 2000));
  const startMs = performance.now();
  await receiver.run(from, events);
  const eventsPerSecond = events / ((performance.now() - startMs) / 1000);
  const latencies = await receiver.runPaced(from, paced);
  return {
    eventsPerSecond,
    p50Us: quantile(latencies, 0.5) * 1000,
    p99Us: quantile(latencies, 0.99) * 1000,
  };
}

/** Counts events, and records when each was published. */
class Receiver {
  #wanted = 0;
  #done: (() => void) | undefined;
  #publishedMs: number[] = [];
  #latencies: number[] = [];

  constructor(bus: EventBus) {
    bus.subscribe(({ event }) => {
      const number = event.event?.$case === 'downloadProgressed' ? Number(event.event.value.leftBytes) : 0;
      this.#latencies.push(performance.now() - (this.#publishedMs[number] ?? 0));
      if (this.#latencies.length === this.#wanted) this.#done?.();
    });
  }

  async run(bus: EventBus, count: number): Promise<void> {
    const done = this.#expect(count);
    for (let number = 0; number < count; number++) this.#publish(bus, number);
    await done;
  }

  /** Returns the latencies in milliseconds. */
  async runPaced(bus: EventBus, count: number): Promise<number[]> {
    const done = this.#expect(count);
    for (let number = 0; number < count; number++) {
      this.#publish(bus, number);
      await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    }
    await done;
    return this.#latencies;
  }

  #publish(bus: EventBus, number: number): void {
    this.#publishedMs[number] = performance.now();
    bus.publish(progress(number));
  }

  #expect(count: number): Promise<void> {
    this.#wanted = count;
    this.#latencies = [];
    return new Promise((resolve) => (this.#done = resolve));
  }
}

function progress(number: number): Fact {
  const peer = { id: 'ab'.repeat(32), name: 'alice' };
  const file = { infohash: 'cd'.repeat(32), name: 'model.bin', sizeBytes: 1_000_000_000n };
  return { $case: 'downloadProgressed', value: { peer, file, leftBytes: BigInt(number) } };
}
