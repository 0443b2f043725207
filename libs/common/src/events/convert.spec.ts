import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { anyFact, numberedFact } from '../../test/sample-facts.js';
import type { Fact } from './event-bus.js';
import { decodeEvent, encodeEvent, subjectOf } from './convert.js';

const time = new Date('2026-11-25T10:00:00.123Z');
const sample = { id: 'a-1', time, source: 'tracker/blue', event: numberedFact(7) };
const SUBJECT = 'enjambre.message.delivered';
const BOB = { id: 'ab'.repeat(32), name: 'bob' };
const OLD_BOB = { peer_id: 'ab'.repeat(32), name: 'bob' };

describe('an event as a CloudEvent', () => {
  it('is one of version 1.0, in snake_case', () => {
    expect(JSON.parse(encodeEvent({ ...sample, source: 'tracker/my rack/é' }))).toEqual({
      specversion: '1.0',
      id: 'a-1',
      source: '/enjambre/tracker/my%20rack/%C3%A9',
      type: SUBJECT,
      subject: '7',
      time: '2026-11-25T10:00:00.123Z',
      datacontenttype: 'application/json',
      dataschema: 'urn:enjambre:events:2',
      data: {
        sender: { id: 'ab'.repeat(32), name: 'alice' },
        message_id: '7',
        receiver: { id: 'ab'.repeat(32), name: 'bob' },
      },
    });
  });

  it('has no fields for what is unknown or empty, and says in one way whom a message is for', () => {
    const [id, infohash] = ['ab'.repeat(32), 'cd'.repeat(32)];
    const dataOf = (event: Fact): unknown => (JSON.parse(encodeEvent({ ...sample, event })) as Json).data;
    const peer = { id, name: '' };
    const file = { infohash, name: '', sizeBytes: 0n };
    const progress = { peer, file, leftBytes: 0n };
    expect(dataOf({ $case: 'downloadProgressed', value: progress })).toEqual({
      peer: { id },
      file: { infohash },
      left_bytes: 0,
    });
    const message = { sender: peer, messageId: 'm', preview: '', sizeBytes: 3n };
    const sent = (target: string, targetName: string): unknown =>
      dataOf({ $case: 'messageSent', value: { ...message, target, targetName } });
    const common = { sender: { id }, message_id: 'm', size_bytes: 3 };
    expect(sent(`peer:${id}`, 'bob')).toEqual({ ...common, receiver: { id, name: 'bob' } });
    expect(sent('room:ops', 'ops')).toEqual({ ...common, room: 'ops' });
    expect(sent('all', 'everyone')).toEqual({ ...common, everyone: true });
  });

  it.each<[string, Fact, object]>([
    [
      'a failed download',
      {
        $case: 'downloadFailed',
        value: {
          peer: BOB,
          file: { infohash: BOB.id, name: 'f', sizeBytes: 5n },
          message: 'why',
          reason: '',
        },
      },
      { peer: OLD_BOB, file: { infohash: BOB.id, name: 'f', size: 5 }, reason: 'why' },
    ],
    [
      'a ban',
      { $case: 'peerBanned', value: { peer: BOB, reporter: BOB, message: 'why', file: undefined } },
      { peer: OLD_BOB, by: OLD_BOB, reason: 'why' },
    ],
    [
      'a throttled peer',
      { $case: 'peerThrottled', value: { peer: BOB, eventCount: 2n, periodSeconds: 10n } },
      { peer: OLD_BOB, events: 2, seconds: 10 },
    ],
    [
      'a message',
      {
        $case: 'messageSent',
        value: {
          sender: BOB,
          messageId: 'm',
          target: 'room:ops',
          targetName: 'ops',
          preview: 'p',
          sizeBytes: 1n,
        },
      },
      { sender: OLD_BOB, message_id: 'm', target: 'room:ops', target_name: 'ops', preview: 'p', bytes: 1 },
    ],
  ])('of an older service, which has other names and no dataschema, is decoded: %s', (_, event, data) => {
    const whole = { ...sample, event };
    const older = { ...(JSON.parse(encodeEvent(whole)) as Json), dataschema: undefined, data };
    expect(decodeEvent(subjectOf(whole), Buffer.from(JSON.stringify(older)))).toEqual(whole);
  });

  it('is decoded unchanged, for any fact', () => {
    const moments = fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true });
    const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(anyFact, moments, names, (event, moment, name) => {
        const whole = { id: 'x-1', time: moment, source: `tracker/${name}`, event };
        expect(decodeEvent(subjectOf(whole), Buffer.from(encodeEvent(whole)))).toEqual(whole);
      }),
    );
  });

  it('keeps counts beyond the precision of JSON numbers as digits', () => {
    const file = { infohash: 'cd'.repeat(32), name: 'f', sizeBytes: 2n ** 63n };
    const peer = { id: 'ab'.repeat(32), name: 'alice' };
    const event = { $case: 'fileShared', value: { peer, file } } as const;
    const { data } = JSON.parse(encodeEvent({ ...sample, event })) as {
      data: { file: { size_bytes: unknown } };
    };
    expect(data.file.size_bytes).toBe('9223372036854775808');
  });

  it('is read without halves of characters, which JSON can spell and no other encoding can hold', () => {
    const half = changed((json) => ({ ...json, id: 'x-\ud800' }));
    expect(half.toString()).toContain('\\ud800');
    expect(decodeEvent(SUBJECT, half)).toEqual({ ...sample, id: 'x-\ufffd' });
  });

  it('may have fields of a later version', () => {
    const later = changed((json) => ({ ...json, traceparent: 'x', data: { ...json.data, urgency: 3 } }));
    expect(decodeEvent(SUBJECT, later)).toEqual(sample);
  });

  it.each<[string, Buffer]>([
    ['no JSON', Buffer.from('hello')],
    ['half of it', Buffer.from(encodeEvent(sample)).subarray(0, 100)],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['null', Buffer.from('null')],
    ['a list', Buffer.from('[]')],
    ['deep nesting', Buffer.from('['.repeat(8000))],
    ['too long', Buffer.from(JSON.stringify('x'.repeat(20_000)))],
    ['another version', changed((json) => ({ ...json, specversion: '0.1' }))],
    ['no id', changed((json) => ({ ...json, id: undefined }))],
    ['a long id', changed((json) => ({ ...json, id: 'x'.repeat(129) }))],
    ['no time', changed((json) => ({ ...json, time: undefined }))],
    ['a wrong time', changed((json) => ({ ...json, time: 'yesterday' }))],
    ['a foreign source', changed((json) => ({ ...json, source: 'urn:x' }))],
    ['a broken source', changed((json) => ({ ...json, source: '/enjambre/%ff' }))],
    ['another type', changed((json) => ({ ...json, type: 'enjambre.message.sent' }))],
    ['no data', changed((json) => ({ ...json, data: undefined }))],
    ['data of another kind', changed((json) => ({ ...json, data: { peer: {} } }))],
    ['a number for an id', changed((json) => ({ ...json, data: { ...json.data, message_id: 7 } }))],
    ['a long text', changed((json) => ({ ...json, data: { ...json.data, message_id: 'x'.repeat(65) } }))],
    [
      'an id in capitals',
      changed((json) => ({
        ...json,
        data: { ...json.data, sender: { id: 'AB'.repeat(32), name: '' } },
      })),
    ],
  ])('is refused: %s', (_, encoded) => {
    expect(() => decodeEvent(SUBJECT, encoded)).toThrow(expect.objectContaining({ reason: 'BAD_EVENT' }));
  });

  it('is refused on an unknown subject', () => {
    const encoded = Buffer.from(encodeEvent(sample));
    expect(() => decodeEvent('enjambre.message.read', encoded)).toThrow(
      /the subject is not that of an event/,
    );
  });

  it('is never misread from any JSON', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(() => decodeEvent(SUBJECT, Buffer.from(json))).toThrow(/not an event/);
      }),
    );
  });
});

interface Json {
  readonly data: object;
}

function changed(change: (json: Json) => object): Buffer {
  return Buffer.from(JSON.stringify(change(JSON.parse(encodeEvent(sample)) as Json)));
}
