import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { infoHashToBytes } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { PeerServiceClient } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { HELLO_TIMEOUT_MS } from '../../src/adapters/peer/wire-constants.js';
import { bytesOf, metainfoOf } from '../support/content.js';
import {
  bitfield,
  have,
  RawDownloader,
  request,
  type FetchStream,
  type SyncStream,
} from '../support/downloader.js';
import { TestFolder } from '../support/folder.js';
import { infoHash } from '../support/ids.js';
import { shortenTimers } from '../support/shorten.js';
import { endingOf, type Ending } from '../support/streams.js';
import { Uploader, type UploaderOptions } from '../support/uploader.js';

const KIB = 1024;
const PIECE = 512 * KIB;
/** Ten pieces, the last one of 100,000 bytes. */
const data = bytesOf(9 * PIECE + 100_000);
const PIECES = 10;
const nothing = bitfield(0, 0);

let folder: TestFolder;
let metainfo: Metainfo;
let path: string;
let uploader: Uploader;
const started: Uploader[] = [];
let downloader: RawDownloader;

beforeAll(async () => {
  folder = await TestFolder.make();
  metainfo = metainfoOf(data, PIECE);
  path = await folder.write('file.bin', data);
});

afterAll(() => folder.remove());

beforeEach(async () => {
  uploader = await start();
  downloader = new RawDownloader(uploader);
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

async function start(options: UploaderOptions = {}, of = metainfo): Promise<Uploader> {
  const one = await Uploader.start(of, path, options);
  started.push(one);
  return one;
}

const refusal = (status: string, reason: string): Ending => ({
  status,
  reason,
  domain: 'enjambre.peer',
  message: expect.stringMatching(/./) as unknown as string,
});

describe('GetMetainfo', () => {
  async function read(
    client: PeerServiceClient,
    infohash: Uint8Array,
  ): Promise<{ total: number[]; bytes: Buffer }> {
    const [total, chunks]: [number[], Uint8Array[]] = [[], []];
    for await (const message of client.getMetainfo({ infohash }) as AsyncIterable<{
      totalLength: number;
      chunk: Uint8Array;
    }>) {
      total.push(message.totalLength);
      chunks.push(message.chunk);
    }
    return { total, bytes: Buffer.concat(chunks) };
  }

  it('gives the metainfo in chunks of at most 256 KiB', async () => {
    const large = metainfoOf(bytesOf(300 << 20), 16 * KIB); // 19,200 pieces: 600 KiB of layer.
    const other = await start({}, large);
    const { total, bytes } = await read(other.client(), infoHashToBytes(large.infohash));
    expect(bytes.equals(large.bytes)).toBe(true);
    expect(total).toEqual([large.bytes.length, large.bytes.length, large.bytes.length]);
  });

  it('does not know a file that it does not have', async () => {
    await expect(
      read(downloader.client, infoHashToBytes(infoHash('ff'))).catch((error: unknown) =>
        Promise.reject(endingOf(error) as unknown as Error),
      ),
    ).rejects.toEqual(refusal('NOT_FOUND', 'UNKNOWN_INFOHASH'));
  });

  it('rejects an infohash of another length as invalid', async () => {
    const error: unknown = await read(downloader.client, Buffer.alloc(20)).catch((thrown: unknown) => thrown);
    expect(endingOf(error)).toMatchObject({ status: 'INVALID_ARGUMENT', domain: 'enjambre.peer' });
  });
});

describe('Sync', () => {
  it('sends hello, bitfield, and later haves', async () => {
    const partial = await start({ has: [0, 3], name: 'partial' });
    const other = new RawDownloader(partial);
    const sync = other.sync().say(other.hello(), nothing);
    expect(await sync.hear('hello')).toMatchObject([
      { name: 'partial', infohash: infoHashToBytes(metainfo.infohash) },
    ]);
    expect(await sync.hear('bitfield')).toEqual([{ bits: Buffer.from([0b10010000, 0]) }]);
    for (const piece of [9, 4]) partial.serving.verified(piece);
    expect(await sync.hear('have')).toEqual([{ pieces: [9, 4] }]);
    expect(sync.heard.map(({ $case }) => $case)).toEqual(['challenge', 'hello', 'bitfield', 'have']);
  });

  it('announces a piece at once to a downloader that lacks it, and otherwise together with the next one that it lacks', async () => {
    const held = new Set<string>();
    const partial = await start({ has: [0], holds: (peer, piece) => held.has(`${piece} of ${peer}`) });
    const lacking = await new RawDownloader(partial, 'lacking').greetedSync(PIECES);
    const rich = new RawDownloader(partial, 'rich');
    const holding = await rich.greetedSync(PIECES);
    held.add(`9 of ${rich.identity.peerId}`);
    partial.serving.verified(9);
    expect(await lacking.hear('have')).toEqual([{ pieces: [9] }]);
    partial.serving.verified(4);
    expect(await holding.hear('have')).toEqual([{ pieces: [9, 4] }]);
  });

  it('ends cleanly when the downloader ends it', async () => {
    const sync = await downloader.greetedSync(PIECES);
    sync.say({ $case: 'goodbye', value: { reason: 'COMPLETE', message: 'thanks' } });
    sync.finish();
    expect(await sync.end()).toEqual({ status: 'OK' });
    expect(uploader.reports).toEqual([]);
    expect(uploader.ledger.peers()).toEqual([]);
  });

  it.each<[string, string, (sync: SyncStream) => unknown, string?]>([
    ['says another thing before hello', 'UNEXPECTED_MESSAGE', (sync) => sync.say(nothing)],
    ['has a have before its bitfield', 'UNEXPECTED_MESSAGE', (sync) => sync.say(downloader.hello(), have(1))],
    [
      'says hello twice',
      'UNEXPECTED_MESSAGE',
      (sync) => sync.say(downloader.hello(), nothing, downloader.hello()),
    ],
    ['sends two bitfields', 'UNEXPECTED_MESSAGE', (sync) => sync.say(downloader.hello(), nothing, nothing)],
    [
      'has a peer id of 31 bytes',
      'BAD_HELLO',
      (sync) => sync.say(downloader.hello({ peerId: Buffer.alloc(31) })),
    ],
    [
      'has an infohash of 20 bytes',
      'BAD_HELLO',
      (sync) => sync.say(downloader.hello({ infohash: Buffer.alloc(20) })),
    ],
    [
      'has no ids at all',
      'BAD_HELLO',
      (sync) => sync.say(downloader.hello({ infohash: Buffer.alloc(0), peerId: Buffer.alloc(0) })),
    ],
    [
      'has a name of 65 characters',
      'BAD_HELLO',
      (sync) => sync.say(downloader.hello({ name: 'n'.repeat(65) })),
    ],
    [
      'sends a bitfield that is too short',
      'BAD_BITFIELD',
      (sync) => sync.say(downloader.hello(), bitfield(0)),
    ],
    [
      'sends a bitfield that is too long',
      'BAD_BITFIELD',
      (sync) => sync.say(downloader.hello(), bitfield(0, 0, 0)),
    ],
    [
      'sets spare bits of its bitfield',
      'BAD_BITFIELD',
      (sync) => sync.say(downloader.hello(), bitfield(0, 1)),
    ],
    [
      'has a piece that does not exist',
      'PIECE_OUT_OF_RANGE',
      (sync) => sync.say(downloader.hello(), nothing, have(3, PIECES)),
    ],
    [
      'has the last piece that there could be',
      'PIECE_OUT_OF_RANGE',
      (sync) => sync.say(downloader.hello(), nothing, have(0xffff_ffff)),
    ],
    [
      'names too many pieces in a have',
      'PIECE_OUT_OF_RANGE',
      (sync) => sync.say(downloader.hello(), nothing, have(...Array.from({ length: 65_537 }, () => 0))),
    ],
  ])('ends with INVALID_ARGUMENT when a downloader %s', async (_, reason, misbehave) => {
    const sync = downloader.sync();
    misbehave(sync);
    expect(await sync.end()).toEqual(refusal('INVALID_ARGUMENT', reason));
    // A peer that has not identified itself cannot be reported; none is counted as connected.
    const greeted = sync.heard.some(({ $case }) => $case === 'hello');
    expect(uploader.reports).toHaveLength(greeted ? 1 : 0);
    expect(uploader.ledger.peers()).toEqual([]);
  });

  it('accepts no unproven peer id, and blames no peer for it', async () => {
    const honest = new RawDownloader(uploader, 'honest');
    const { peerId, publicKey } = honest.hello().value;
    const signed = { signature: Buffer.alloc(64, 1) };
    for (const forged of [{ peerId }, { peerId, publicKey }, { peerId, publicKey, ...signed }]) {
      // Signed with the forger's own key, except for the last.
      const sync = downloader.sync().say(downloader.hello(forged));
      expect(await sync.end()).toEqual(refusal('UNAUTHENTICATED', 'BAD_SIGNATURE'));
    }
    expect(uploader.reports).toEqual([]);
    await honest.greetedSync(PIECES);
  });

  it('accepts no proof made for another uploader', async () => {
    const other = await start({ name: 'other' });
    const relayed = downloader.sync().say(new RawDownloader(other).hello());
    expect(await relayed.end()).toEqual(refusal('UNAUTHENTICATED', 'BAD_SIGNATURE'));
  });

  it('ends with NOT_FOUND for an unknown file', async () => {
    const sync = downloader.sync().say(downloader.hello({ infohash: infoHashToBytes(infoHash('ff')) }));
    expect(await sync.end()).toEqual(refusal('NOT_FOUND', 'UNKNOWN_INFOHASH'));
    expect(uploader.reports).toEqual([]);
  });

  it('ends with PERMISSION_DENIED for a banned peer, with the reason', async () => {
    uploader.bans.set(downloader.identity.peerId, 'sent wrong bytes');
    const ending = await downloader.sync().say(downloader.hello()).end();
    expect(ending).toEqual(refusal('PERMISSION_DENIED', 'BANNED'));
    expect(ending.message).toContain('sent wrong bytes');
  });

  it('accepts the maximum number of pieces in a have', async () => {
    const sync = await downloader.greetedSync(PIECES);
    sync.say(have(...Array.from({ length: 65_536 }, (_, index) => index % PIECES)));
    sync.finish();
    expect(await sync.end()).toEqual({ status: 'OK' });
  });

  it('counts one stream per peer and file: the one opened last', async () => {
    const first = await downloader.greetedSync(PIECES);
    const second = await downloader.greetedSync(PIECES);
    expect(await first.end()).toEqual(refusal('ABORTED', 'REPLACED'));
    uploader.serving.verified(1);
    await second.hear('have');
    expect(uploader.ledger.peers()).toMatchObject([{ name: 'downloader', connected: true }]);
    expect(uploader.reports).toEqual([]);
  });

  it('chokes new downloaders when all slots are taken, and lets the next in when one leaves', async () => {
    const narrow = await start({ uploadSlots: 1 });
    const [first, second, third] = ['first', 'second', 'third'].map(
      (name) => new RawDownloader(narrow, name),
    );
    const served = await first!.greetedSync(PIECES);
    const waiting = await second!.greetedSync(PIECES);
    await waiting.hear('choke');
    const last = await third!.greetedSync(PIECES);
    await last.hear('choke');
    expect(served.heard.map(({ $case }) => $case)).not.toContain('choke');
    served.call.cancel();
    await waiting.hear('unchoke');
    waiting.finish();
    await last.hear('unchoke');
  });

  it('frees the slot of a downloader whose message was too long', async () => {
    const narrow = await start({ uploadSlots: 1 });
    const rude = await new RawDownloader(narrow, 'rude').greetedSync(PIECES);
    const polite = await new RawDownloader(narrow, 'polite').greetedSync(PIECES);
    await polite.hear('choke');
    rude.say({ $case: 'bitfield', value: { bits: new Uint8Array(1_100_000) } });
    expect((await rude.end()).status).toBe('RESOURCE_EXHAUSTED');
    await polite.hear('unchoke');
  });
});

describe.each(['sync', 'fetch'] as const)('a %s stream', (kind) => {
  const open = (from = downloader): SyncStream | FetchStream =>
    kind === 'sync' ? from.sync() : from.fetch();
  const greet = (stream: SyncStream | FetchStream, hello = downloader.hello()): Promise<Ending> => {
    (stream as SyncStream).say(hello);
    return stream.end();
  };

  it('ends with UNAVAILABLE when the file is no longer served', async () => {
    const stream = open();
    (stream as SyncStream).say(downloader.hello());
    if (kind === 'fetch') {
      (stream as FetchStream).say(request(1, 0, 0, 16 * KIB));
      await (stream as FetchStream).hear('block');
    } else {
      await (stream as SyncStream).hear('bitfield');
    }
    uploader.serving.stop('the file was paused');
    expect(await stream.end()).toEqual(refusal('UNAVAILABLE', 'STOPPING'));
  });

  it('ends with DEADLINE_EXCEEDED after ten seconds of silence', async () => {
    const { restore } = shortenTimers(HELLO_TIMEOUT_MS, 100);
    try {
      expect(await open().end()).toEqual(refusal('DEADLINE_EXCEEDED', 'NO_HELLO'));
    } finally {
      restore();
    }
  });

  it('ends with INVALID_ARGUMENT for a hello of more than 16 KiB', async () => {
    const ending = await greet(open(), downloader.hello({ name: 'n'.repeat(17 * KIB) }));
    expect(ending).toMatchObject({ status: 'INVALID_ARGUMENT', reason: 'BYTES_BEFORE_HELLO' });
  });
});

it('ends a Sync stream that never sends its bitfield', async () => {
  const { restore } = shortenTimers(HELLO_TIMEOUT_MS, 150);
  try {
    const sync = downloader.sync().say(downloader.hello());
    expect(await sync.end()).toEqual(refusal('DEADLINE_EXCEEDED', 'NO_HELLO'));
  } finally {
    restore();
  }
});
