import * as fc from 'fast-check';
import type { Fact } from '../src/events/event-bus.js';
import { EVENT_TYPES, type FactCase } from '../src/events/event-types.js';

type ValueOf<Case extends FactCase> = Extract<Fact, { $case: Case }>['value'];

const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'grapheme', maxLength }).map((s) => s.slice(0, maxLength).toWellFormed());
const hexId = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const messageId = fc.string({ minLength: 1, maxLength: 64 });
const count = fc.oneof(fc.bigInt(0n, 2n ** 53n - 1n), fc.bigInt(0n, 2n ** 64n - 1n));

const peer = fc.record({ id: hexId, name: text(64) });
const file = fc.record({ infohash: hexId, name: text(255), sizeBytes: count });
const message = text(512);
const targets = fc.oneof(
  fc.record({ target: hexId.map((id) => `peer:${id}`), targetName: text(64) }),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 64 })
    .map((room) => ({ target: `room:${room}`, targetName: room })),
  fc.constant({ target: 'all', targetName: 'everyone' }),
);

const VALUES: { readonly [Case in FactCase]: fc.Arbitrary<ValueOf<Case>> } = {
  peerConnected: fc.record({ peer, endpoint: text(260), version: text(64) }),
  peerDisconnected: fc.record({ peer, message }),
  peerBanned: fc.record({ peer, reporter: peer, message, file: fc.option(file, { nil: undefined }) }),
  peerThrottled: fc.record({ peer, eventCount: count, periodSeconds: count }),
  fileShared: fc.record({ peer, file }),
  fileWithdrawn: fc.record({ peer, file }),
  downloadStarted: fc.record({ peer, file }),
  downloadProgressed: fc.record({ peer, file, leftBytes: count }),
  downloadCompleted: fc.record({
    peer,
    file,
    downloadedBytes: count,
    leftBytes: fc.option(count, { nil: undefined }),
  }),
  downloadFailed: fc.record({ peer, file, message, reason: fc.constantFrom('', 'DISK_FULL') }),
  messageSent: fc
    .record({ sender: peer, messageId, to: targets, preview: text(120), sizeBytes: count })
    .map(({ to, ...message }) => ({ ...message, ...to })),
  messageDelivered: fc.record({ sender: peer, messageId, receiver: peer }),
};

export const FACT_CASES = Object.keys(EVENT_TYPES) as FactCase[];

/** Any fact of a kind, as services create them. */
export function factOf($case: FactCase): fc.Arbitrary<Fact> {
  return (VALUES[$case] as fc.Arbitrary<never>).map((value) => ({ $case, value }));
}

/** Any fact. */
export const anyFact: fc.Arbitrary<Fact> = fc.oneof(...FACT_CASES.map(factOf));

/** A fact that is identified by its number. */
export function numberedFact(number: number): Fact {
  const sender = { id: 'ab'.repeat(32), name: 'alice' };
  return {
    $case: 'messageDelivered',
    value: { sender, messageId: String(number), receiver: { ...sender, name: 'bob' } },
  };
}

/** The number of a {@link numberedFact}; -1 for any other. */
export function numberOf(event: { readonly event: Fact | undefined }): number {
  return event.event?.$case === 'messageDelivered' ? Number(event.event.value.messageId) : -1;
}
