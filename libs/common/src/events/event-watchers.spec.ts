import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { numberedFact, numberOf } from '../../test/sample-facts.js';
import { EmbeddedEventBus } from './embedded-event-bus.js';
import type { EventBus, EventListener, HeardEvent, ReplayStart } from './event-bus.js';
import { EventWatchers } from './event-watchers.js';

const ALL = { types: [], since: new Date(0), replayOnly: false };
const open = { signal: new AbortController().signal };

/**
 * A bus whose events get their place in the record late, and are then told again to
 * nobody, like those of NATS; others' events are told late, when they have theirs.
 */
class SlowBus implements Pick<EventBus, 'subscribe' | 'replay'> {
  readonly #listeners = new Set<EventListener>();
  readonly #unrecorded: HeardEvent['event'][] = [];
  readonly #record: HeardEvent[] = [];
  #untold = 0;
  published = 0;

  publishOwn(): void {
    const event = this.#make('own');
    this.#unrecorded.push(event);
    for (const listener of this.#listeners) listener({ event, position: undefined });
  }

  publishOther(): void {
    this.#record.push({ event: this.#make('other'), position: this.#record.length + 1 });
  }

  /** Records own events. */
  store(): void {
    for (const event of this.#unrecorded.splice(0)) {
      this.#record.push({ event: { ...event }, position: this.#record.length + 1 });
    }
  }

  /** Tells others' events that have not been told. */
  deliver(): void {
    for (; this.#untold < this.#record.length; this.#untold++) {
      const heard = this.#record[this.#untold]!;
      if (heard.event.source === 'other') for (const listener of this.#listeners) listener(heard);
    }
  }

  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async *replay(start: ReplayStart): AsyncGenerator<HeardEvent> {
    const unrecorded = new Map(this.#unrecorded.map((event) => [event.id, event]));
    const after = 'after' in start ? start.after : 0;
    for (const heard of this.#record.slice(after)) {
      unrecorded.delete(heard.event.id);
      yield Promise.resolve(heard);
    }
    for (const event of unrecorded.values()) yield { event, position: undefined };
  }

  #make(source: 'own' | 'other'): HeardEvent['event'] {
    this.published += 1;
    return { id: String(this.published), time: new Date(1), source, event: numberedFact(this.published) };
  }
}

describe('watching events', () => {
  it('replays, then goes on, without a gap or an event told twice, whatever happens meanwhile', async () => {
    const step = fc.constantFrom('own', 'other', 'burst', 'store', 'deliver', 'read');
    const run = async (before: readonly string[], during: readonly string[]): Promise<void> => {
      const bus = new SlowBus();
      const act = (action: string): void => {
        if (action === 'own') bus.publishOwn();
        else if (action === 'other') bus.publishOther();
        else if (action === 'store') bus.store();
        else if (action === 'deliver') bus.deliver();
        else if (action === 'burst') for (let n = 0; n < 600; n++) bus.publishOwn();
      };
      before.forEach(act);
      const feed = new EventWatchers(bus, 'test').watch(ALL, open);
      const seen: number[] = [];
      const read = async (): Promise<void> => {
        const { value } = (await feed.next()) as { value: { event: HeardEvent['event'] } };
        seen.push(numberOf(value.event));
      };
      // The first read opens the watch; something must be there for it.
      bus.publishOwn();
      await read();
      for (const action of during) {
        act(action);
        if (action === 'read' && seen.length < bus.published) {
          bus.store();
          bus.deliver();
          await read();
        }
      }
      bus.store();
      bus.deliver();
      while (seen.length < bus.published) await read();
      await feed.return(undefined);
      expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: bus.published }, (_, n) => n + 1));
    };
    // Bursts of a caller that reads on fit its buffer; more than one at a time is another test's affair.
    const few = fc
      .array(step, { maxLength: 12 })
      .filter((all) => all.filter((one) => one === 'burst').length < 2);
    await fc.assert(fc.asyncProperty(few, few, run), { numRuns: 200 });
  });

  it('reads a long record at its own pace, though far more happens meanwhile than would wait for it', async () => {
    const bus = new EmbeddedEventBus({ source: 'tracker/t', maxEvents: 100_000 });
    for (let n = 0; n < 5000; n++) bus.publish(numberedFact(n));
    const numbers: number[] = [];
    let published = 5000;
    for await (const { event } of new EventWatchers(bus, 'tracker').watch(ALL, open)) {
      numbers.push(numberOf(event));
      if (numbers.length % 2 === 0 && published < 9000) bus.publish(numberedFact(published++));
      if (numbers.length === 1) for (; published < 8000; published++) bus.publish(numberedFact(published));
      if (numbers.length === 9000) break;
    }
    expect(numbers).toEqual(Array.from({ length: 9000 }, (_, n) => n));
  });

  it('ends after the recorded events if it is told so', async () => {
    const bus = new EmbeddedEventBus({ source: 'tracker/t' });
    for (let n = 0; n < 3; n++) bus.publish(numberedFact(n));
    const watchers = new EventWatchers(bus, 'tracker');
    const numbers: number[] = [];
    for await (const { event } of watchers.watch({ ...ALL, replayOnly: true }, open)) {
      numbers.push(numberOf(event));
      bus.publish(numberedFact(99));
    }
    expect(numbers).toEqual([0, 1, 2]);
    const none = watchers.watch({ types: [], since: undefined, replayOnly: true }, open);
    expect(await none.next()).toEqual({ done: true, value: undefined });
  });

  it('tells recorded events of the types asked for only', async () => {
    const bus = new EmbeddedEventBus({ source: 'tracker/t' });
    const sender = { peerId: 'ab'.repeat(32), name: 'alice' };
    bus.publish(numberedFact(1));
    bus.publish({ $case: 'peerDisconnected', value: { peer: sender, reason: 'x' } });
    const cases: unknown[] = [];
    const request = { ...ALL, types: ['peer.*'], replayOnly: true };
    for await (const { event } of new EventWatchers(bus, 'tracker').watch(request, open))
      cases.push(event.event?.$case);
    expect(cases).toEqual(['peerDisconnected']);
  });

  it('refuses a time that is none', async () => {
    const watchers = new EventWatchers(new EmbeddedEventBus({ source: 'tracker/t' }), 'tracker');
    const feed = watchers.watch({ ...ALL, since: new Date(NaN) }, open);
    await expect(feed.next()).rejects.toMatchObject({ code: 'invalid', reason: 'BAD_SINCE' });
  });

  it.each([true, false])(
    'ends with STOPPING in the middle of a replay, replay only: %p',
    async (replayOnly) => {
      const bus = new EmbeddedEventBus({ source: 'tracker/t' });
      for (let n = 0; n < 3; n++) bus.publish(numberedFact(n));
      const watchers = new EventWatchers(bus, 'tracker');
      const feed = watchers.watch({ ...ALL, replayOnly }, open);
      await feed.next();
      watchers.stop();
      await expect(feed.next()).rejects.toMatchObject({ reason: 'STOPPING' });
      await expect(watchers.watch(ALL, open).next()).rejects.toMatchObject({ reason: 'STOPPING' });
    },
  );

  it('ends quietly when its caller is gone', async () => {
    const abort = new AbortController();
    const watchers = new EventWatchers(new EmbeddedEventBus({ source: 'tracker/t' }), 'tracker');
    const next = watchers.watch({ ...ALL, since: undefined }, abort).next();
    abort.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});
