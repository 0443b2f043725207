import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Inbox } from '../../src/app/ports.js';
import type { Delivery } from '../../src/domain/message.js';
import { MemoryStore } from '../../src/adapters/memory/memory-store.js';
import { outgoing, sampleMessage, samplePeer } from '../support/samples.js';

const senders = [samplePeer(1), samplePeer(2)];
const bob = samplePeer(3);
const NOW = 1_700_000_000_000;

/** Steps of two senders and bob: the numbers select their objects. */
const step = fc.oneof(
  fc.record({ does: fc.constant('send' as const), which: fc.nat(1) }),
  fc.record({ does: fc.constant('repeat' as const), which: fc.nat(50) }),
  fc.record({ does: fc.constant('acknowledge' as const), which: fc.nat(10) }),
  fc.record({ does: fc.constant('reconnect' as const), which: fc.nat(1) }),
);

describe('a memory store', () => {
  test('delivers each message until it is acknowledged, in order, despite repetitions and interruptions', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
        const store = new MemoryStore({ maxAgeMs: 1e9, maxBytes: 1e9, maxMessages: 1e6, clock: () => NOW });
        const put: ReturnType<typeof sampleMessage>[] = [];
        const acknowledged = new Set<string>();
        let inbox: Inbox = await store.open(bob.id, 0);
        let underWay: Delivery[] = [];
        const read = async (count: number): Promise<void> => {
          for (let n = 0; n < count; n++) underWay.push((await inbox.next())!);
        };
        for (const { does, which } of steps) {
          if (does === 'send') {
            const message = sampleMessage(senders[which]!, bob);
            expect(await store.put(outgoing(message))).toMatchObject({ duplicate: false });
            put.push(message);
            await read(1);
          } else if (does === 'repeat' && put.length > 0) {
            const again = outgoing(put[which % put.length]!);
            expect(await store.put(again)).toMatchObject({ duplicate: true, fresh: false });
          } else if (does === 'acknowledge' && underWay.length > 0) {
            const [delivery] = underWay.splice(which % underWay.length, 1);
            inbox.acknowledge(delivery!.id);
            acknowledged.add(delivery!.message.id);
          } else if (does === 'reconnect') {
            inbox = await store.open(bob.id, 0);
            const expected = underWay;
            underWay = [];
            await read(expected.length);
            expect(underWay).toEqual(expected);
          }
        }
        const waiting = put.filter(({ id }) => !acknowledged.has(id));
        expect(underWay.map(({ message }) => message)).toEqual(waiting);
        expect(store.pending.of(bob.id).messages).toBe(waiting.length);
      }),
      { numRuns: 200 },
    );
  });

  test('keeps to its limit of messages: those that were delivered are dropped first, from histories too', async () => {
    let now = NOW;
    const store = new MemoryStore({ maxAgeMs: 1000, maxBytes: 1e9, maxMessages: 3, clock: () => now });
    const messages = [...Array(5).keys()].map(() => sampleMessage(senders[0]!, bob, { sentAt: now }));
    const put = (at: number) => store.put(outgoing(messages[at]!));
    const inbox = await store.open(bob.id, 0);
    for (const at of [0, 1, 2]) await put(at);
    await expect(put(3)).rejects.toMatchObject({ reason: 'STORE_FULL' });
    await inbox.next();
    inbox.acknowledge((await inbox.next())!.id);
    await put(3);
    expect(store.pending.of(bob.id).messages).toBe(3);
    const history = { peer: bob.id, matches: () => true, limit: 10 };
    const kept = [messages[3], messages[2], messages[0]];
    expect((await store.history(history)).messages).toEqual(kept);
    now += 1001;
    expect((await store.history(history)).messages).toEqual([]);
    expect(store.pending.of(bob.id)).toMatchObject({ messages: 0, bytes: 0 });
    expect(store.pending.costOf('10.0.0.1')).toBe(0);
    await put(4);
  });

  test('a small message costs its part of the number of messages', async () => {
    const store = new MemoryStore({ maxAgeMs: 1000, maxBytes: 1e6, maxMessages: 100, clock: () => NOW });
    for (let n = 0; n < 5; n++) await store.put(outgoing(sampleMessage(senders[0]!, bob, { sentAt: NOW })));
    expect(store.pending.costOf('10.0.0.1')).toBe(0.05 * 1e6);
  });

  test('a page of history searches a bounded number of messages', async () => {
    const store = new MemoryStore({ maxAgeMs: 1000, maxBytes: 1e9, maxMessages: 1e6, clock: () => NOW });
    const [first] = [sampleMessage(senders[0]!, bob, { sentAt: NOW })];
    await store.put(outgoing(first));
    for (let n = 0; n < 12_000; n++)
      await store.put(outgoing(sampleMessage(senders[1]!, bob, { sentAt: NOW })));
    const history = { peer: bob.id, matches: ({ id }: { id: string }) => id === first.id, limit: 10 };
    let before: number | undefined;
    let pages = 0;
    for (let found = 0; found === 0; pages += 1) {
      const page = await store.history({ ...history, ...(before !== undefined && { before }) });
      found = page.messages.length;
      before = page.before;
    }
    expect(pages).toBe(3);
  });

  test('starts above all delivery ids from before a restart', async () => {
    const options = { maxAgeMs: 1000, maxBytes: 1e9, maxMessages: 1000 };
    const last = async (store: MemoryStore, count: number): Promise<number> => {
      const inbox = await store.open(bob.id, 0);
      let id = 0;
      for (let n = 0; n < count; n++) {
        await store.put(outgoing(sampleMessage(senders[0]!, bob, { sentAt: NOW })));
        id = (await inbox.next())!.id;
      }
      return id;
    };
    const before = await last(new MemoryStore({ ...options, clock: () => NOW }), 500);
    expect(await last(new MemoryStore({ ...options, clock: () => NOW + 1 }), 1)).toBeGreaterThan(before);
  });
});
