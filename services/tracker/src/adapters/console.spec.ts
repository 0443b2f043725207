import { describe, expect, test } from '@jest/globals';
import type { TrackerEvent } from '../domain/events.js';
import { samplePeer, sampleHash } from '../../test/samples.js';
import { lineOf } from './console.js';

const peer = { ...samplePeer(0x3f2a91bc), name: 'alice', endpoint: '10.0.0.7:7072' };
const file = { infohash: sampleHash(0x5d41402a), name: 'model.bin', size: 1_234_567_890 };

describe('the console', () => {
  test.each<[string, TrackerEvent]>([
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
      { type: 'download.progressed', peer, file, bytesLeft: 999 },
    ],
    [
      'download completed: model.bin (5d41402a) by alice',
      { type: 'download.completed', peer, file, bytesDownloaded: 1 },
    ],
    [
      'download failed: model.bin (5d41402a) by alice: disk full',
      { type: 'download.failed', peer, file, reason: 'disk full' },
    ],
  ])('says %p', (line, event) => {
    expect(lineOf(event)).toBe(line);
  });

  test('escapes what could act on a terminal or break a line', () => {
    const name = 'a\u001b[2J\n\u202eb\u2028';
    const event = { type: 'peer.connected', peer: { ...peer, name } } as const;
    expect(lineOf(event)).toBe(
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
    expect(lineOf({ type: 'file.shared', peer, file: { ...file, size } })).toContain(`(${text},`);
  });
});
