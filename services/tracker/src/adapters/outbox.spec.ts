import { describe, expect, test } from '@jest/globals';
import type { ConnectResponse } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import fc from 'fast-check';
import { sampleHash, samplePeer } from '../../test/samples.js';
import type { DeltaEffect } from '../domain/effects.js';
import { Session } from '../domain/swarm.js';
import { Outbox } from './outbox.js';

const ELSEWHERE = { seen: '10.0.0.9', reached: '10.0.0.5', host: '10.0.0.9' };
const session = new Session(samplePeer(0), 'peer-0', 0);

function delta(
  upserted: number[],
  removed: number[],
  snapshot = false,
  infohash = sampleHash(1),
): DeltaEffect {
  return {
    type: 'delta',
    to: session,
    infohash,
    snapshot,
    upserted: upserted.map((number) => ({ peer: samplePeer(Math.abs(number)), seeder: number < 0 })),
    removed: removed.map((number) => samplePeer(number).id),
  };
}

/** A reader that accepts messages only while it is awake, and keeps them. */
class FakeReader {
  readonly taken: ConnectResponse[] = [];
  awake = true;
  paused = false;
  #drained: () => void = () => undefined;

  write(message: ConnectResponse): boolean {
    this.taken.push(message);
    return this.awake;
  }

  on(_: 'drain', listener: () => void): void {
    this.#drained = listener;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  wake(): void {
    this.awake = true;
    this.#drained();
  }
}

function outboxFor(reader: FakeReader, onSlowReader: () => void = () => undefined): Outbox {
  return new Outbox(reader, { reader: ELSEWHERE, maxBlockedMs: 60_000, onSlowReader });
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('an outbox', () => {
  test('merges the changes of a tick into one message', async () => {
    const reader = new FakeReader();
    const outbox = outboxFor(reader);
    outbox.change(delta([1, 2], [], true));
    outbox.change(delta([3], [1]));
    outbox.change(delta([4], [], true, sampleHash(2)));
    await nextTurn();
    expect(reader.taken).toHaveLength(2);
    expect(reader.taken[0]?.message?.value).toMatchObject({
      snapshot: true,
      upserted: [{ name: 'peer-2' }, { name: 'peer-3' }],
      removed: [],
    });
    outbox.close();
  });

  test('merged changes give the reader the same peers', async () => {
    const change = fc.record({
      upserted: fc.uniqueArray(fc.integer({ min: -8, max: 8 }).filter(Boolean), { selector: Math.abs }),
      removed: fc.uniqueArray(fc.integer({ min: 1, max: 8 })),
      snapshot: fc.boolean(),
      flush: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
        const reader = new FakeReader();
        const outbox = outboxFor(reader);
        const expected = new Map<string, boolean>();
        for (const { upserted, removed, snapshot, flush } of changes) {
          const gone = snapshot ? [] : removed.filter((n) => !upserted.map(Math.abs).includes(n));
          if (snapshot) expected.clear();
          for (const number of gone) expected.delete(`peer-${number}`);
          for (const number of upserted) expected.set(`peer-${Math.abs(number)}`, number < 0);
          outbox.change(delta(upserted, gone, snapshot));
          if (flush) await nextTurn();
        }
        await nextTurn();
        outbox.close();
        expect(viewOf(reader.taken)).toEqual(expected);
      }),
    );
  });

  test('holds changes back, and stops reading, while the reader does not read', async () => {
    const reader = new FakeReader();
    const outbox = outboxFor(reader);
    reader.awake = false;
    outbox.send({ message: undefined });
    expect(reader.paused).toBe(true);
    outbox.change(delta([1], []));
    outbox.change(delta([2], []));
    await nextTurn();
    expect(reader.taken).toHaveLength(1);
    reader.wake();
    expect(reader.taken).toHaveLength(2);
    expect(reader.paused).toBe(false);
    outbox.close();
  });

  test('reports a reader whose unread changes exceed the limit', () => {
    const reader = new FakeReader();
    let complaints = 0;
    const outbox = outboxFor(reader, () => (complaints += 1));
    reader.awake = false;
    outbox.send({ message: undefined });
    for (let number = 1; number <= 50_000; number += 1) outbox.change(delta([], [number]));
    expect(complaints).toBe(0);
    outbox.change(delta([], [50_001]));
    expect(complaints).toBe(1);
    outbox.close();
  });

  test('discards unsent changes of a swarm that is no longer watched', async () => {
    const reader = new FakeReader();
    const outbox = outboxFor(reader);
    outbox.change(delta([1], []));
    outbox.discard(sampleHash(1));
    await nextTurn();
    expect(reader.taken).toEqual([]);
    outbox.close();
  });

  test('writes nothing once it is closed', async () => {
    const reader = new FakeReader();
    const outbox = outboxFor(reader);
    outbox.change(delta([1], []));
    outbox.close();
    outbox.change(delta([2], []));
    outbox.send({ message: undefined });
    reader.wake();
    await nextTurn();
    expect(reader.taken).toEqual([]);
  });
});

function viewOf(messages: readonly ConnectResponse[]): Map<string, boolean> {
  const view = new Map<string, boolean>();
  for (const { message } of messages) {
    if (message?.$case !== 'peerDelta') continue;
    if (message.value.snapshot) view.clear();
    const upserted = message.value.upserted.map(({ id: peerId }) => Buffer.from(peerId).readUInt32BE());
    for (const id of message.value.removed) {
      expect(upserted).not.toContain(Buffer.from(id).readUInt32BE());
      view.delete(`peer-${Buffer.from(id).readUInt32BE()}`);
    }
    for (const { name, seeder } of message.value.upserted) view.set(name, seeder);
  }
  return view;
}
