import { describe, expect, it } from '@jest/globals';
import { parsePeerId } from '@enjambre/core/ids';
import fc from 'fast-check';
import { Inbox, type ChatMessage, type InboxEntry } from './inbox.js';

const sender = (digit: number): ChatMessage['senderId'] => parsePeerId(String(digit).repeat(64));
function message(id: string, from = 1, text = `text of ${id}`): ChatMessage {
  const target = { target: { kind: 'everyone' as const }, targetName: 'everyone' };
  return { id, senderId: sender(from), senderName: 'alice', ...target, text, sentAtMs: 1 };
}

/** Records a delivery, as an agent does; returns whether it was new. */
function deliver(inbox: Inbox, what: ChatMessage, at: number): boolean {
  const entry = inbox.receive(what, BigInt(at), 5);
  if (entry) inbox.apply(entry);
  return entry !== undefined;
}

const idsIn = (inbox: Inbox, options = {}): string[] => [...inbox.list(options)].map((one) => one.message.id);

describe('the inbox', () => {
  it('stores each delivery once, and each message once however it is delivered', () => {
    const inbox = new Inbox();
    expect(deliver(inbox, message('a'), 1)).toBe(true);
    expect(deliver(inbox, message('a'), 1)).toBe(false);
    expect(deliver(inbox, message('a'), 7)).toBe(false);
    expect(deliver(inbox, message('a', 2), 8)).toBe(true);
    expect(idsIn(inbox)).toEqual(['a', 'a']);
  });

  it('accepts deliveries of another message store, whose ids are lower', () => {
    const inbox = new Inbox();
    deliver(inbox, message('a'), 1_000_000);
    expect(deliver(inbox, message('b'), 1)).toBe(true);
    expect(inbox.cursor).toBe(1n);
  });

  it('tracks which messages were read, and lists the others', () => {
    const inbox = new Inbox();
    ['a', 'b', 'c'].forEach((id, index) => deliver(inbox, message(id), index + 1));
    inbox.apply({ type: 'read', numbers: [1, 3, 3, 99] });
    expect(idsIn(inbox, { unreadOnly: true })).toEqual(['b']);
    expect(idsIn(inbox, { after: 1 })).toEqual(['b', 'c']);
    expect(inbox.unread).toBe(1);
  });

  it('drops read messages when it is full, and accepts none when all are unread', () => {
    const inbox = new Inbox({ messages: 2, characters: 1000 });
    deliver(inbox, message('a'), 1);
    deliver(inbox, message('b'), 2);
    expect(inbox.isFull).toBe(true);
    inbox.apply({ type: 'read', numbers: [1] });
    expect(inbox.isFull).toBe(false);
    deliver(inbox, message('c'), 3);
    expect(idsIn(inbox)).toEqual(['b', 'c']);
  });

  it('can be full of characters, too', () => {
    const inbox = new Inbox({ messages: 100, characters: 10 });
    deliver(inbox, message('a', 1, 'x'.repeat(10)), 1);
    expect(inbox.isFull).toBe(true);
    inbox.apply({ type: 'read', numbers: [1] });
    expect(inbox.isFull).toBe(false);
  });

  it('is the same when its entries, or its snapshot, are replayed', () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('receive' as const),
        id: fc.nat(15),
        from: fc.integer({ min: 1, max: 3 }),
      }),
      fc.record({ do: fc.constant('read' as const), number: fc.nat(20) }),
      fc.record({ do: fc.constant('room' as const), room: fc.nat(3), joined: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const limits = { messages: 8, characters: 1000 };
        const inbox = new Inbox(limits);
        const entries: InboxEntry[] = [];
        steps.forEach((act, index) => {
          if (act.do === 'receive' && inbox.isFull) return;
          const entry: InboxEntry | undefined =
            act.do === 'receive'
              ? inbox.receive(message(`m${act.id}`, act.from), BigInt(index + 1), index)
              : act.do === 'read'
                ? { type: 'read', numbers: [act.number] }
                : { type: 'room', room: `r${act.room}`, joined: act.joined };
          if (!entry) return;
          entries.push(entry);
          inbox.apply(entry);
        });
        for (const played of [entries, [...inbox.snapshot()]]) {
          const again = new Inbox(limits);
          for (const entry of played) again.apply(entry);
          expect([...again.list()]).toEqual([...inbox.list()]);
          expect(new Set(again.rooms)).toEqual(new Set(inbox.rooms));
          expect(again.unread).toBe(inbox.unread);
          expect(again.cursor).toBe(inbox.cursor);
        }
      }),
    );
  });
});
