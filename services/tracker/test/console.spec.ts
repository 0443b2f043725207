import { describe, expect, test } from '@jest/globals';
import { EmbeddedEventBus } from '@enjambre/common/events/embedded-event-bus';
import type { Fact } from '@enjambre/common/events/event-bus';
import { createLogger } from '@enjambre/common/log/logger';
import { startConsole } from '@enjambre/common/events/event-console';
import { lineOf } from '@enjambre/common/events/event-line';
import { fromEvent } from '../src/adapters/convert-events.js';
import type { TrackerEvent } from '../src/domain/events.js';
import { samplePeer, sampleHash } from './samples.js';

const peer = { ...samplePeer(0x3f2a91bc), name: 'alice', endpoint: '10.0.0.7:7072' };
const file = { infohash: sampleHash(0x5d41402a), name: 'model.bin', size: 1_234_567_890 };

describe('the console', () => {
  test.each<[string, TrackerEvent]>([
    [
      'peer connected: alice (3f2a91bc) at 10.0.0.7:7072',
      { type: 'peer.connected', peer: { ...peer, name: 'alice (3f2a91bc)' } },
    ],
    [
      'peer connected: alice (3f2a91bc) at no address',
      { type: 'peer.connected', peer: { ...peer, endpoint: '' } },
    ],
    ['peer connected: alice (3f2a91bc) at 10.0.0.7:7072', { type: 'peer.connected', peer }],
    [
      'peer disconnected: alice (3f2a91bc): connection lost',
      { type: 'peer.disconnected', peer, reason: 'connection lost' },
    ],
    ['file shared: model.bin (1.2 GB, 5d41402a) by alice', { type: 'file.shared', peer, file }],
    ['file withdrawn: model.bin (5d41402a) by alice', { type: 'file.withdrawn', peer, file }],
    ['download started: model.bin (5d41402a) by alice', { type: 'download.started', peer, file }],
    [
      'download started: 5d41402a by alice',
      { type: 'download.started', peer, file: { ...file, name: '', size: 0 } },
    ],
    [
      'download progressed: model.bin (5d41402a) by alice, 999 B left',
      { type: 'download.progressed', peer, file, leftBytes: 999 },
    ],
    [
      'download completed: model.bin (5d41402a) by alice',
      { type: 'download.completed', peer, file, downloadedBytes: 1 },
    ],
    [
      'download completed: model.bin (5d41402a) by alice, which did not select 2.5 MB',
      { type: 'download.completed', peer, file, downloadedBytes: 1, leftBytes: 2_500_000 },
    ],
    [
      'download failed: model.bin (5d41402a) by alice: disk full',
      { type: 'download.failed', peer, file, reason: 'DISK_FULL', message: 'disk full' },
    ],
  ])('says %p', (line, event) => {
    expect(lineOf(fromEvent(event))).toBe(line);
  });

  test('escapes characters that could control a terminal or break a line', () => {
    const name = 'a\u001b[2J\n\u202eb\u2028';
    const event = { type: 'peer.connected', peer: { ...peer, name } } as const;
    expect(lineOf(fromEvent(event))).toBe(
      'peer connected: a\\u{1b}[2J\\u{a}\\u{202e}b\\u{2028} (3f2a91bc) at 10.0.0.7:7072',
    );
  });

  test.each([
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [2 ** 53 - 1, '9.0 PB'],
  ])('writes %d bytes as %s', (size, text) => {
    expect(lineOf(fromEvent({ type: 'file.shared', peer, file: { ...file, size } }))).toContain(`(${text},`);
  });

  test.each([
    ['hello there', 'message sent: alice (3f2a91bc) → bob: hello there'],
    ['x'.repeat(120), `message sent: alice (3f2a91bc) → bob: ${'x'.repeat(60)}…`],
    ['a\nb', 'message sent: alice (3f2a91bc) → bob: a\\u{a}b'],
  ])('shows the beginning of a message: %p', (preview, line) => {
    expect(lineOf(messageSent(preview))).toBe(line);
  });

  test('shows the size of a message whose text is for others', () => {
    expect(lineOf(messageSent('', 2048n))).toBe('message sent: alice (3f2a91bc) → bob: 2.0 kB');
  });

  test('logs the data of an event as fields, named as in the event', () => {
    const fields: unknown[] = [];
    const log = createLogger({ name: 'test', level: 'silent' });
    log.isLevelEnabled = () => true;
    log.info = (its: unknown) => fields.push(its);
    const bus = new EmbeddedEventBus({ source: 'tracker/here' });
    startConsole(bus, log, 'tracker/here');
    bus.publish(
      fromEvent({ type: 'download.failed', peer, file, reason: 'DISK_FULL', message: 'the disk is full' }),
    );
    expect(fields).toEqual([
      {
        event: 'download.failed',
        source: 'tracker/here',
        peer: { id: peer.id, name: peer.name },
        file: { infohash: file.infohash, name: file.name, size_bytes: file.size },
        reason: 'DISK_FULL',
        message: 'the disk is full',
      },
    ]);
  });

  test('shows its own events and all messages, but no file events of other trackers', () => {
    const lines: string[] = [];
    const log = createLogger({ name: 'test', level: 'silent' });
    log.isLevelEnabled = () => true;
    log.info = (_: unknown, line?: string) => lines.push(`info ${line}`);
    log.debug = (_: unknown, line?: string) => lines.push(`debug ${line}`);
    const bus = new EmbeddedEventBus({ source: 'tracker/here' });
    startConsole(bus, log, 'tracker/here');
    const time = new Date(0);
    const event = fromEvent({ type: 'download.progressed', peer, file, leftBytes: 1 });
    bus.publish(event);
    bus.adopt({ id: '1', time, source: 'tracker/there', event });
    bus.adopt({ id: '2', time, source: 'messaging/there', event: messageSent('hello') });
    bus.adopt({ id: '3', time, source: 'messaging/there', event: messageDelivered });
    expect(lines).toEqual([
      'debug download progressed: model.bin (5d41402a) by alice, 1 B left',
      'info message sent: alice (3f2a91bc) → bob: hello',
      'debug message delivered: alice (3f2a91bc) → bob',
    ]);
  });
});

const sender = { id: peer.id, name: 'alice' };
const messageDelivered: Fact = {
  $case: 'messageDelivered',
  value: { sender, messageId: '1', receiver: { id: samplePeer(2).id, name: 'bob' } },
};

function messageSent(preview: string, sizeBytes = BigInt(preview.length)): Fact {
  const target = `peer:${samplePeer(2).id}`;
  return {
    $case: 'messageSent',
    value: { sender, messageId: '1', target, targetName: 'bob', preview, sizeBytes },
  };
}
