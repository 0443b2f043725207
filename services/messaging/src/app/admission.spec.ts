import { describe, expect, test } from '@jest/globals';
import type { PeerId } from '@enjambre/core/ids';
import { sampleMessage, samplePeer } from '../../test/support/samples.js';
import { Pending } from '../domain/pending.js';
import { Admission } from './admission.js';

const [alice, bob] = [samplePeer(1), samplePeer(2)] as const;
const HERE = { ...alice, party: '10.0.0.1' };
const RECEIVER_COST = 100;
const many = (count: number): PeerId[] => [...Array(count).keys()].map((n) => samplePeer(n + 10).id);

/** The party's part of the store has room for 5 receivers, the store for 20. */
function make() {
  const pending = new Pending();
  const costOf = (_: unknown, receivers: number): number => receivers * RECEIVER_COST;
  const store = { pending, costOf, recount: () => undefined };
  const capacity = { pendingMessages: 1000, pendingBytes: 1e6, storeBytes: 2000 };
  const quotas = { pendingMessages: 100, pendingBytes: 1e5, storeBytes: 500 };
  const message = sampleMessage(alice, bob, { target: { kind: 'everyone' } });
  const admission = new Admission({ store, capacity, quotas });
  const send = (receivers: number, put = () => Promise.resolve(), caller = HERE): Promise<void> =>
    admission.run(message, caller, many(receivers), async (roomy) => {
      await put();
      const copy = { sender: caller.id, bytes: 1, cost: RECEIVER_COST };
      for (const receiver of roomy) pending.add({ ...copy, receiver }, caller.party);
    });
  return { send, pending };
}

describe('admission', () => {
  test('lets one message exceed the part of its party; the next one waits until earlier ones are read', async () => {
    const { send, pending } = make();
    await send(20);
    const refused = {
      code: 'exhausted',
      reason: 'STORE_FULL',
      retryAfterMs: 10_000,
      metadata: { setting: 'addressBudget' },
    };
    await expect(send(1)).rejects.toMatchObject(refused);
    await send(1, undefined, { ...bob, party: '10.0.0.2' });
    for (const receiver of many(16))
      pending.remove({ receiver, sender: alice.id, bytes: 1, cost: RECEIVER_COST });
    await send(20);
  });

  test('refuses for good only what the store can never hold', async () => {
    const { send } = make();
    await expect(send(21)).rejects.toMatchObject({ code: 'invalid', reason: 'TOO_LARGE' });
    await expect(send(21)).rejects.toThrow(/2100 bytes for its 21 receivers.*only 2000/);
  });

  test('counts the messages that are being stored', async () => {
    const { send } = make();
    let store: (() => void) | undefined;
    const first = send(5, () => new Promise((resolve) => (store = resolve)));
    await expect(send(1)).rejects.toMatchObject({ reason: 'STORE_FULL' });
    store!();
    await first;
    const failing = make();
    const failure = failing.send(20, () => Promise.reject(new Error('away')));
    await expect(failure).rejects.toThrow('away');
    await failing.send(20);
  });
});
