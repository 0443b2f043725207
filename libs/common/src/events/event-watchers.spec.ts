import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { numberedFact, numberOf } from '../../test/sample-facts.js';
import { EmbeddedEventBus } from './embedded-event-bus.js';
import type { EventBus, EventListener, HeardEvent, ReplayStart } from './event-bus.js';
import { WHOLE, WITHOUT_TEXTS, type EventView } from './event-view.js';
import { EventWatchers } from './event-watchers.js';

const ALL = { types: [], since: new Date(0), replayOnly: false };
const open = { signal: new AbortController().signal, view: WHOLE };

/**
 * A bus that records its events late, and does not deliver them again then, like that on NATS. Events of
 * others are delivered late, when they are recorded.
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

  /** Records the bus's own events. */
  store(): void {
    for (const event of this.#unrecorded.splice(0)) {
      this.#record.push({ event: { ...event }, position: this.#record.length + 1 });
    }
  }

  /** Delivers events of others that have not been delivered. */
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
  it('replays, then continues, without gaps or duplicates, whatever happens meanwhile', async () => {
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
      // The first read opens the watch and needs an event to return.
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
    // Such bursts fit the buffer of a caller that keeps reading; another test covers larger ones.
    const few = fc
      .array(step, { maxLength: 12 })
      .filter((all) => all.filter((one) => one === 'burst').length < 2);
    await fc.assert(fc.asyncProperty(few, few, run), { numRuns: 200 });
  });

  it('reads a long record at its own pace, even if far more events arrive meanwhile than its queue holds', async () => {
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

  it('ends after the recorded events on request', async () => {
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

  it('replays only the requested types', async () => {
    const bus = new EmbeddedEventBus({ source: 'tracker/t' });
    const sender = { id: 'ab'.repeat(32), name: 'alice' };
    bus.publish(numberedFact(1));
    bus.publish({ $case: 'peerDisconnected', value: { peer: sender, message: 'x' } });
    const cases: unknown[] = [];
    const request = { ...ALL, types: ['peer.*'], replayOnly: true };
    for await (const { event } of new EventWatchers(bus, 'tracker').watch(request, open))
      cases.push(event.event?.$case);
    expect(cases).toEqual(['peerDisconnected']);
  });

  it('shows each caller its own view of an event', async () => {
    const bus = new EmbeddedEventBus({ source: 'messaging/m' });
    const peer = { id: 'ab'.repeat(32), name: 'alice' };
    const sent = { sender: peer, messageId: '1', target: 'all', targetName: 'everyone', sizeBytes: 6n };
    bus.publish({ $case: 'messageSent', value: { ...sent, preview: 'secret' } });
    bus.publish({ $case: 'peerDisconnected', value: { peer, message: 'x' } });
    const watchers = new EventWatchers(bus, 'messaging service');
    const seenBy = async (view: EventView): Promise<unknown[]> => {
      const facts: unknown[] = [];
      const request = { ...ALL, replayOnly: true };
      for await (const { event } of watchers.watch(request, { ...open, view }))
        facts.push(event.event?.value);
      return facts;
    };
    expect(await seenBy(WITHOUT_TEXTS)).toEqual([
      { ...sent, preview: '' },
      { peer, message: 'x' },
    ]);
    expect(await seenBy(WHOLE)).toEqual([
      { ...sent, preview: 'secret' },
      { peer, message: 'x' },
    ]);
  });

  it('refuses an invalid time', async () => {
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
    const next = watchers.watch({ ...ALL, since: undefined }, { ...open, signal: abort.signal }).next();
    abort.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});
