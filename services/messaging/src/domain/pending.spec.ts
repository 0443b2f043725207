import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { samplePeer } from '../../test/support/samples.js';
import { Pending, type Copy } from './pending.js';

const peers = [samplePeer(1), samplePeer(2), samplePeer(3)].map(({ id }) => id);
const peer = fc.constantFrom(...peers);
const party = fc.constantFrom('10.0.0.1', '10.0.0.2');
const copy = fc.record({ receiver: peer, sender: peer, bytes: fc.nat(1000), cost: fc.nat(1000) });

interface Held {
  readonly copy: Copy;
  readonly party: string;
}

const sum = (held: readonly Held[], what: 'bytes' | 'cost'): number =>
  held.reduce((total, { copy }) => total + copy[what], 0);

describe('pending messages', () => {
  test('are counted by mailbox, sender, party and in all, whatever comes and goes', () => {
    const step = fc.oneof(
      fc.record({ add: copy, party }),
      fc.record({ remove: fc.nat(40) }),
      fc.record({ forget: peer }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pending = new Pending();
        let held: Held[] = [];
        for (const each of steps) {
          if ('add' in each) {
            // The first waiting message of a sender decides for which party all of them count.
            const first = held.find(
              ({ copy: { receiver, sender } }) =>
                receiver === each.add.receiver && sender === each.add.sender,
            );
            pending.add(each.add, each.party);
            held.push({ copy: each.add, party: first?.party ?? each.party });
          } else if ('forget' in each) {
            pending.forget(each.forget);
            held = held.filter(({ copy: { receiver } }) => receiver !== each.forget);
          } else if (held.length > 0) {
            const [gone] = held.splice(each.remove % held.length, 1);
            pending.remove(gone!.copy);
          }
        }
        expect(pending.total).toEqual({ messages: held.length, bytes: sum(held, 'bytes') });
        for (const party of ['10.0.0.1', '10.0.0.2'])
          expect(pending.costOf(party)).toBe(
            sum(
              held.filter((one) => one.party === party),
              'cost',
            ),
          );
        for (const receiver of peers) {
          const mine = held.filter(({ copy }) => copy.receiver === receiver);
          expect(pending.of(receiver)).toMatchObject({ messages: mine.length, bytes: sum(mine, 'bytes') });
          for (const sender of peers) {
            const its = mine.filter(({ copy }) => copy.sender === sender);
            const count = { messages: its.length, bytes: sum(its, 'bytes') };
            expect(pending.ofSender(receiver, sender)).toMatchObject(count);
          }
          for (const party of ['10.0.0.1', '10.0.0.2']) {
            const its = mine.filter((one) => one.party === party);
            expect(pending.ofParty(receiver, party)).toEqual({
              messages: its.length,
              bytes: sum(its, 'bytes'),
            });
          }
        }
      }),
    );
  });

  test('a correction sets the number, and leaves no part larger than the whole', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ add: copy, party }), { maxLength: 30 }),
        peer,
        fc.nat(40),
        (added, receiver, messages) => {
          const pending = new Pending();
          for (const { add, party } of added) pending.add(add, party);
          const others = pending.total.messages - pending.of(receiver).messages;
          pending.correct(receiver, messages, 1024);
          expect(pending.of(receiver).messages).toBe(messages);
          expect(pending.total.messages).toBe(others + messages);
          const parts = peers.map((sender) => pending.ofSender(receiver, sender).messages);
          expect(parts.reduce((sum, part) => sum + part, 0)).toBeLessThanOrEqual(messages);
          for (const each of peers) pending.forget(each);
          expect([pending.total, pending.costOf('10.0.0.1'), pending.costOf('10.0.0.2')]).toEqual([
            { messages: 0, bytes: 0 },
            0,
            0,
          ]);
        },
      ),
    );
  });

  test('messages of unknown senders are counted and removed, too', () => {
    const [bob, alice] = [samplePeer(1).id, samplePeer(2).id];
    const pending = new Pending();
    pending.correct(bob, 2, 1024);
    expect(pending.of(bob)).toMatchObject({ messages: 2, bytes: 2048 });
    pending.remove({ receiver: bob, sender: alice, bytes: 5000, cost: 5000 });
    expect(pending.of(bob)).toMatchObject({ messages: 1, bytes: 0 });
    pending.remove({ receiver: bob, sender: alice, bytes: 5000, cost: 5000 });
    expect(pending.total).toEqual({ messages: 0, bytes: 0 });
  });
});
