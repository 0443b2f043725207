import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Inbox, MessageStore } from '../../src/app/ports.js';
import type { Delivery, Message } from '../../src/domain/message.js';
import { outgoing, sampleMessage, samplePeer } from '../support/samples.js';

const [alice, bob, carol] = [samplePeer(1), samplePeer(2), samplePeer(3)] as const;
const all = (): boolean => true;

/** A limit far above what most tests store. */
const MUCH = 1 << 26;
/** Part of the store that one message of {@link LARGE} takes at most, with its copies. */
const LARGE = 'x'.repeat(40_000);

/**
 * Contract of every {@link MessageStore}. `create` creates a started, empty store with this limit of bytes; the suite
 * stops it.
 */
export function messageStoreContract(create: (maxBytes: number) => Promise<MessageStore>): void {
  describe('a message store', () => {
    let store: MessageStore;

    beforeEach(async () => {
      store = await create(MUCH);
    });

    afterEach(() => store.stop());

    const put = (message: Message) => store.put(outgoing(message));

    test('is available', () => {
      expect(store.available).toBe(true);
    });

    test('keeps a message unchanged until its receiver connects', async () => {
      const message = sampleMessage(alice, bob, { text: '\u{1f41d}\0\n', id: 'ñ: x' });
      expect(await put(message)).toMatchObject({ message, duplicate: false, fresh: true });
      const inbox = await store.open(bob.id, 0);
      const delivery = await inbox.next();
      expect(delivery!.message).toEqual(message);
      expect(delivery!.bytes).toBeGreaterThan(0);
    });

    test('delivers a message to a waiting receiver', async () => {
      const inbox = await store.open(bob.id, 0);
      const next = inbox.next();
      const message = sampleMessage(alice, bob);
      await put(message);
      expect((await next)!.message).toEqual(message);
    });

    test('delivers each message to its receiver, in id order', async () => {
      const messages = [...Array(20).keys()].map((n) => sampleMessage(alice, n % 2 ? bob : carol));
      for (const message of messages) await put(message);
      for (const [receiver, parity] of [
        [bob, 1],
        [carol, 0],
      ] as const) {
        const got = await take(await store.open(receiver.id, 0), 10);
        expect(got.map(({ message }) => message)).toEqual(messages.filter((_, n) => n % 2 === parity));
        for (let n = 1; n < got.length; n++) expect(got[n]!.id).toBeGreaterThan(got[n - 1]!.id);
      }
    });

    test('keeps a message for each of several receivers', async () => {
      const message = sampleMessage(alice, bob, { target: { kind: 'room', room: 'r' } });
      await store.put(outgoing(message, [bob.id, carol.id]));
      for (const { id } of [bob, carol]) {
        expect((await (await store.open(id, 0)).next())!.message).toEqual(message);
      }
    });

    test('redelivers unacknowledged messages in order, and no others', async () => {
      for (let n = 0; n < 6; n++) await put(sampleMessage(alice, bob));
      const first = await store.open(bob.id, 0);
      const got = await take(first, 4);
      first.acknowledge(got[0]!.id);
      first.acknowledge(got[1]!.id);
      await settled(store, 4);
      first.close();
      const again = await take(await store.open(bob.id, 0), 4);
      expect(again.slice(0, 2)).toEqual(got.slice(2));
      expect(again[3]!.id).toBeGreaterThan(again[2]!.id);
    });

    test('counts deliveries up to the cursor as acknowledged', async () => {
      for (let n = 0; n < 5; n++) await put(sampleMessage(alice, bob));
      const first = await store.open(bob.id, 0);
      const got = await take(first, 5);
      first.close();
      const again = await store.open(bob.id, got[2]!.id);
      expect(await take(again, 2)).toEqual(got.slice(3));
    });

    test('treats a cursor above all ids as one of another store', async () => {
      const message = sampleMessage(alice, bob);
      await put(message);
      const inbox = await store.open(bob.id, Number.MAX_SAFE_INTEGER);
      expect((await inbox.next())!.message).toEqual(message);
    });

    test('ignores acknowledgements of deliveries that are not in flight', async () => {
      await put(sampleMessage(alice, bob));
      const inbox = await store.open(bob.id, 0);
      for (const id of [0, -1, 1, Number.MAX_SAFE_INTEGER, NaN]) inbox.acknowledge(id);
      const delivery = await inbox.next();
      inbox.acknowledge(delivery!.id);
      inbox.acknowledge(delivery!.id);
      await settled(store, 0);
    });

    test('a new inbox closes the previous one', async () => {
      const first = await store.open(bob.id, 0);
      const next = first.next();
      const second = await store.open(bob.id, 0);
      expect(await next).toBeUndefined();
      expect(await first.next()).toBeUndefined();
      const message = sampleMessage(alice, bob);
      await put(message);
      expect((await second.next())!.message).toEqual(message);
    });

    test('a closed inbox wakes its reader, and acknowledges nothing', async () => {
      await put(sampleMessage(alice, bob));
      const inbox = await store.open(bob.id, 0);
      const delivery = await inbox.next();
      const next = inbox.next();
      inbox.close();
      inbox.acknowledge(delivery!.id);
      expect(await next).toBeUndefined();
      expect((await (await store.open(bob.id, 0)).next())!.message).toEqual(delivery!.message);
    });

    test('a message that is put again is a duplicate, and delivered once', async () => {
      const message = sampleMessage(alice, bob);
      await put(message);
      const again = await put({ ...message, sentAt: message.sentAt + 1000 });
      expect(again).toMatchObject({ message, duplicate: true, fresh: false, receivers: [bob.id] });
      const after = sampleMessage(alice, bob);
      await put(after);
      const got = await take(await store.open(bob.id, 0), 2);
      expect(got.map(({ message }) => message)).toEqual([message, after]);
    });

    test('a duplicate goes to the receivers of the first time', async () => {
      const message = sampleMessage(alice, bob, { target: { kind: 'everyone' } });
      await store.put(outgoing(message, [bob.id]));
      expect(await store.put(outgoing(message, [bob.id, carol.id]))).toMatchObject({
        receivers: [bob.id],
        fresh: false,
      });
      expect(store.pending.of(carol.id).messages).toBe(0);
    });

    test('an id is refused for another text or target, but not for another sender', async () => {
      const message = sampleMessage(alice, bob);
      await put(message);
      const reused = { code: 'already-exists', reason: 'ID_REUSED' };
      await expect(put({ ...message, text: 'other' })).rejects.toMatchObject(reused);
      await expect(put({ ...message, target: { kind: 'peer', peer: carol } })).rejects.toMatchObject(reused);
      expect(await put({ ...message, sender: carol, text: 'mine' })).toMatchObject({ duplicate: false });
      expect(store.pending.of(carol.id).messages).toBe(0);
    });

    test('counts waiting messages', async () => {
      expect(store.pending.of(bob.id)).toMatchObject({ messages: 0, bytes: 0 });
      await put(sampleMessage(alice, bob, { text: 'x'.repeat(1000) }));
      await put(sampleMessage(alice, bob, { text: 'x'.repeat(1000) }));
      expect(store.pending.of(bob.id).messages).toBe(2);
      expect(store.pending.of(bob.id).bytes).toBeGreaterThan(2000);
      const inbox = await store.open(bob.id, 0);
      inbox.acknowledge((await inbox.next())!.id);
      await settled(store, 1);
    });

    test('returns the history of sender and receiver, newest first, in pages', async () => {
      const messages = [...Array(25).keys()].map((n) =>
        n % 2 ? sampleMessage(alice, bob) : sampleMessage(bob, alice),
      );
      for (const message of messages) await put(message);
      await put(sampleMessage(bob, carol));
      const expected = messages.toReversed();
      expect(await pages(store, { peer: alice.id, matches: all, limit: 7 })).toEqual(expected);
      expect(await pages(store, { peer: alice.id, matches: all, limit: 1000 })).toEqual(expected);
      expect(await pages(store, { peer: bob.id, matches: all, limit: 10 })).toHaveLength(26);
      const own = ({ sender }: Message): boolean => sender.id === alice.id;
      expect(await pages(store, { peer: alice.id, matches: own, limit: 5 })).toEqual(expected.filter(own));
      expect(await pages(store, { peer: samplePeer(9).id, matches: all, limit: 5 })).toEqual([]);
    });

    test('keeps acknowledged messages in the history', async () => {
      const message = sampleMessage(alice, bob);
      await put(message);
      const inbox = await store.open(bob.id, 0);
      inbox.acknowledge((await inbox.next())!.id);
      expect(await pages(store, { peer: bob.id, matches: all, limit: 5 })).toEqual([message]);
    });

    test('shows a message from a peer to itself once', async () => {
      const message = sampleMessage(alice, alice);
      await put(message);
      expect((await (await store.open(alice.id, 0)).next())!.message).toEqual(message);
      expect(await pages(store, { peer: alice.id, matches: all, limit: 5 })).toEqual([message]);
    });

    test('bounds the bytes of a page of history', async () => {
      for (let n = 0; n < 40; n++) await put(sampleMessage(alice, bob, { text: 'x'.repeat(60_000) }));
      const page = await store.history({ peer: alice.id, matches: all, limit: 1000 });
      expect(page.messages.length).toBeLessThan(20);
      expect(await pages(store, { peer: alice.id, matches: all, limit: 1000 })).toHaveLength(40);
    });

    test('removes a peer and its waiting messages', async () => {
      await put(sampleMessage(alice, bob));
      const inbox = await store.open(bob.id, 0);
      await inbox.next();
      await store.forgetPeer(bob.id);
      expect(await inbox.next()).toBeUndefined();
      expect(store.pending.of(bob.id).messages).toBe(0);
      await store.forgetPeer(bob.id);
    });

    test('counts waiting messages by their sender and its party, and its part of the store', async () => {
      const text = 'x'.repeat(1000);
      await store.put(outgoing(sampleMessage(alice, bob, { text }), [bob.id], '10.0.0.1'));
      await store.put(outgoing(sampleMessage(alice, bob, { text }), [bob.id], '10.0.0.1'));
      await store.put(outgoing(sampleMessage(carol, bob, { text }), [bob.id], '10.0.0.2'));
      expect(store.pending.ofSender(bob.id, alice.id).messages).toBe(2);
      expect(store.pending.ofParty(bob.id, '10.0.0.1').messages).toBe(2);
      expect(store.pending.ofParty(bob.id, '10.0.0.2').messages).toBe(1);
      expect(store.pending.costOf('10.0.0.1')).toBe(2 * store.pending.costOf('10.0.0.2'));
      expect(store.pending.costOf('10.0.0.2')).toBeGreaterThanOrEqual(1000);
      const inbox = await store.open(bob.id, 0);
      for (const { id } of await take(inbox, 2)) inbox.acknowledge(id);
      await settled(store, 1);
      expect(store.pending.ofParty(bob.id, '10.0.0.1').messages).toBe(0);
      expect(store.pending.costOf('10.0.0.1')).toBe(0);
    });

    test('refuses a new message rather than drop one that waits, and delivers all that it accepted', async () => {
      await store.stop();
      store = await create(400_000);
      const accepted: Message[] = [];
      const full = async (): Promise<unknown> => {
        for (let n = 0; n < 20; n++) {
          const message = sampleMessage(alice, bob, { text: LARGE });
          try {
            await put(message);
            accepted.push(message);
          } catch (error) {
            return error;
          }
        }
        return undefined;
      };
      const refused = { code: 'exhausted', reason: 'STORE_FULL', retryAfterMs: 10_000 };
      expect(await full()).toMatchObject(refused);
      expect(accepted.length).toBeGreaterThan(2);
      expect(await full()).toMatchObject(refused);
      const inbox = await store.open(bob.id, 0);
      const got = await take(inbox, accepted.length);
      expect(got.map(({ message }) => message.id)).toEqual(accepted.map(({ id }) => id));
    });

    test('drops what all receivers have acknowledged for new messages, and nothing else', async () => {
      await store.stop();
      store = await create(600_000);
      const kept = sampleMessage(alice, carol, { text: LARGE });
      await put(kept);
      const inbox = await store.open(bob.id, 0);
      for (let n = 0; n < 40; n++) {
        const message = sampleMessage(alice, bob, { text: LARGE });
        await insist(() => put(message));
        const delivery = await inbox.next();
        expect(delivery!.message.id).toBe(message.id);
        inbox.acknowledge(delivery!.id);
      }
      expect((await (await store.open(carol.id, 0)).next())!.message.id).toBe(kept.id);
      const page = await store.history({ peer: bob.id, matches: all, limit: 100 });
      expect(page.messages.length).toBeLessThan(20);
    });

    /** Acknowledgements reach some stores a little later: a full one may have room then. */
    const insist = (work: () => Promise<unknown>): Promise<unknown> =>
      waitFor(work, { what: 'room for a message', retryErrors: true });

    /** Waits until the store counts this number of messages waiting for bob. */
    const settled = async (store: MessageStore, messages: number): Promise<void> => {
      await waitFor(() => store.pending.of(bob.id).messages === messages, { what: 'acknowledgements' });
    };
  });
}

async function take(inbox: Inbox, count: number): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  while (deliveries.length < count) deliveries.push((await inbox.next())!);
  return deliveries;
}

async function pages(
  store: MessageStore,
  query: Parameters<MessageStore['history']>[0],
): Promise<readonly Message[]> {
  const { messages, before } = await store.history(query);
  expect(messages.length).toBeLessThanOrEqual(query.limit);
  if (before === undefined) return messages;
  return [...messages, ...(await pages(store, { ...query, before }))];
}
