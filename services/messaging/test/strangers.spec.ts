import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parsePeerId } from '@enjambre/core/ids';
import { MemoryStore } from '../src/adapters/memory/memory-store.js';
import { everyone, Harness, reasonOf, send } from './support/harness.js';
import { TestPeer } from './support/test-peer.js';

const KEYS = 600;
/** Hellos of the attacker at a time. */
const AT_ONCE = 40;
/** What is in use after a garbage collection, with the attacker itself, which is in this process. */
const MAX_GROWTH_BYTES = 64 << 20;
const PERCENT = 5;
const MAX_PENDING = 10_000;
const STORE_BYTES = 256 << 20;

/** Typed refusals: the attacker is told why, and nothing fails for another reason. The last is the server's. */
const REFUSALS = new Set(['TOO_MANY_PEERS', 'TOO_FAST', 'RECEIVER_FULL', 'STORE_FULL', 'TOO_MANY_CALLS']);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe('hundreds of fresh keys from one address', () => {
  let harness: Harness;
  let store: MemoryStore;

  beforeEach(async () => {
    const limits = { maxAgeMs: 3_600_000, maxBytes: STORE_BYTES, maxMessages: 200_000 };
    store = new MemoryStore({ ...limits, clock: Date.now });
    harness = await Harness.start({ store }, { addressBudget: String(PERCENT) });
  });

  afterEach(() => harness.stop());

  test('take their part, are refused with a reason, and honest messages arrive', async () => {
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    const port = await harness.from('127.0.0.66');
    const absent = await harness.peer('carol', { acknowledges: false });
    absent.call.end();
    await absent.end();
    const before = heapUsed();

    const reasons = new Map<string | undefined, number>();
    let left = KEYS;
    const note = async (call: Promise<unknown>): Promise<boolean> => {
      const reason = await reasonOf(call);
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      return reason === undefined;
    };
    /** One stream after another: each with a new key, and as much of everything as it gets. */
    const attack = async (): Promise<void> => {
      const client = harness.client(port);
      while (left > 0) {
        left -= 1;
        const peer = new TestPeer(client, { acknowledges: false });
        if (await note(peer.greet({ name: left % 2 ? 'alice' : `bob ${left}` }))) {
          for (let n = 0; n < 12; n++) await note(send(peer, absent.peerId, 'x'.repeat(10_000)));
          for (let n = 0; n < 3; n++) await note(send(peer, everyone, 'to all'));
        }
        peer.call.end();
      }
    };
    const attacks = Promise.all(Array.from({ length: AT_ONCE }, attack));
    const progress = { isOver: false };
    attacks.finally(() => (progress.isOver = true)).catch(() => undefined);
    let sent = 0;
    for (; !progress.isOver || sent < 50; sent += 1) await send(alice, 'bob', `honest ${sent}`);
    await attacks;
    await bob.when(() =>
      bob.texts.filter((text) => text.startsWith('honest')).length >= sent ? true : undefined,
    );

    // What it got is at most its part; one message may exceed each limit.
    const party = '127.0.0.66';
    const { messages, bytes } = store.pending.ofParty(parsePeerId(absent.peerId), party);
    expect(messages).toBeLessThanOrEqual((MAX_PENDING * PERCENT) / 100);
    expect(bytes).toBeLessThanOrEqual(((64 << 20) * PERCENT) / 100 + (64 << 10));
    expect(store.pending.costOf(party)).toBeLessThanOrEqual((STORE_BYTES * PERCENT) / 100 + (64 << 10));
    reasons.delete(undefined);
    expect([...reasons.keys()].filter((reason) => !REFUSALS.has(reason ?? ''))).toEqual([]);
    expect([...reasons.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(KEYS / 2);
    expect(heapUsed() - before).toBeLessThan(MAX_GROWTH_BYTES);
    // Others still get their messages into the same mailbox, and to everyone.
    await send(alice, absent.peerId, 'from alice');
    await send(bob, everyone, 'from bob');
  }, 240_000);
});
