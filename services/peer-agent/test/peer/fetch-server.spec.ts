import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Metainfo } from '@enjambre/core/metainfo';
import { RejectReason } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import fc from 'fast-check';
import { STALL_TIMEOUT_MS } from '../../src/adapters/peer/wire-constants.js';
import { bytesOf, metainfoOf } from '../support/content.js';
import { answersOf, cancel, RawDownloader, request, type FetchStream } from '../support/downloader.js';
import { StalledFetch } from '../support/stalled-fetch.js';
import { TestFolder } from '../support/folder.js';
import { shortenTimers } from '../support/shorten.js';
import { Uploader, type UploaderOptions } from '../support/uploader.js';

const KIB = 1024;
const BLOCK = 256 * KIB;
const PIECE = 2 * BLOCK;
/** Twelve pieces, the last one of 100,000 bytes: a block that ends off the 16 KiB grid. */
const data = bytesOf(11 * PIECE + 100_000);
const PIECES = 12;
/** Blocks being read or sent to one stream at a time. */
const AT_ONCE = 8;

let folder: TestFolder;
let metainfo: Metainfo;
let path: string;
let uploader: Uploader;
let downloader: RawDownloader;
const started: Uploader[] = [];

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

async function start(options: UploaderOptions = {}): Promise<Uploader> {
  const one = await Uploader.start(metainfo, path, options);
  started.push(one);
  return one;
}

const idsOf = (fetch: FetchStream): number[] =>
  answersOf(fetch)
    .map(({ id }) => id)
    .sort((a, b) => a - b);

/** True if every received block matches the file. */
function blocksAreRight(fetch: FetchStream): boolean {
  return fetch.heard.every((message) => {
    if (message.$case !== 'block') return true;
    const { piece, begin, data: bytes } = message.value;
    const at = piece * PIECE + begin;
    return data.subarray(at, at + bytes.length).equals(bytes);
  });
}

describe('a Fetch stream', () => {
  it('serves the requested bytes, at any position and length on the grid', async () => {
    const asked = [
      request(1, 0, 0, BLOCK),
      request(2, 3, BLOCK, BLOCK),
      request(3, 5, 48 * KIB, 16 * KIB),
      request(0xffff_ffff, 11, 0, 100_000),
      request(0, 11, 96 * KIB, 100_000 - 96 * KIB),
    ];
    const fetch = downloader.greetedFetch().say(...asked);
    const blocks = await fetch.hear('block', asked.length);
    expect(
      blocks.map(({ id, piece, begin, data: bytes }) => [id, piece, begin, bytes.length]).sort(),
    ).toEqual(
      asked
        .map((one) =>
          one.$case === 'request' ? [one.value.id, one.value.piece, one.value.begin, one.value.length] : [],
        )
        .sort(),
    );
    expect(blocksAreRight(fetch)).toBe(true);
  });

  it('counts the bytes sent, per downloader', async () => {
    const sync = await downloader.greetedSync(PIECES);
    await downloader
      .greetedFetch()
      .say(request(1, 0, 0, BLOCK), request(2, 11, 0, 100_000))
      .hear('block', 2);
    const account = await waitFor(
      () => uploader.ledger.peers().find(({ sent }) => sent === BLOCK + 100_000),
      { what: 'the account' },
    );
    expect(account).toMatchObject({ name: 'downloader', connected: true });
    expect(uploader.ledger.record.uploadedBytes).toBe(BLOCK + 100_000);
    sync.call.cancel();
  });

  it.each<[string, string, (fetch: FetchStream) => unknown]>([
    ['asks before it says hello', 'BAD_HELLO', () => downloader.fetch().say(request(1, 0, 0, BLOCK))],
    ['says hello twice', 'UNEXPECTED_MESSAGE', (fetch) => fetch.say(downloader.hello())],
    [
      'asks for a piece that does not exist',
      'PIECE_OUT_OF_RANGE',
      (fetch) => fetch.say(request(1, PIECES, 0, BLOCK)),
    ],
    [
      'asks for the last piece that there could be',
      'PIECE_OUT_OF_RANGE',
      (fetch) => fetch.say(request(1, 0xffff_ffff, 0, BLOCK)),
    ],
    ['asks off the 16 KiB grid', 'BAD_REQUEST', (fetch) => fetch.say(request(1, 0, 1, 16 * KIB))],
    ['asks for a length off the 16 KiB grid', 'BAD_REQUEST', (fetch) => fetch.say(request(1, 0, 0, 1000))],
    ['asks for more than 256 KiB', 'BAD_REQUEST', (fetch) => fetch.say(request(1, 0, 0, BLOCK + 16 * KIB))],
    [
      'asks beyond the end of a piece',
      'BAD_REQUEST',
      (fetch) => fetch.say(request(1, 0, PIECE - 16 * KIB, 32 * KIB)),
    ],
    ['asks from the end of a piece', 'BAD_REQUEST', (fetch) => fetch.say(request(1, 0, PIECE, 16 * KIB))],
    ['asks beyond the end of the file', 'BAD_REQUEST', (fetch) => fetch.say(request(1, 11, 0, 112 * KIB))],
    ['asks for nothing', 'BAD_REQUEST', (fetch) => fetch.say(request(1, 0, 0, 0))],
    [
      'asks for what no number can hold',
      'BAD_REQUEST',
      (fetch) => fetch.say(request(1, 0, 0xffff_c000, 0xffff_c000)),
    ],
  ])('ends with INVALID_ARGUMENT when a downloader %s', async (_, reason, misbehave) => {
    const greeted = downloader.greetedFetch();
    const returned = misbehave(greeted) as FetchStream;
    expect(await returned.end()).toMatchObject({
      status: 'INVALID_ARGUMENT',
      reason,
      domain: 'enjambre.peer',
    });
    expect(uploader.reports).toHaveLength(returned === greeted ? 1 : 0);
    expect(uploader.reads.started).toBe(0);
  });

  it('ends with INVALID_ARGUMENT when the id of an unanswered request is reused', async () => {
    uploader.reads.hold();
    const fetch = downloader.greetedFetch().say(request(7, 0, 0, BLOCK), request(7, 1, 0, BLOCK));
    expect(await fetch.end()).toMatchObject({ status: 'INVALID_ARGUMENT', reason: 'BAD_REQUEST' });
  });

  it('accepts an id again once it is answered', async () => {
    const fetch = downloader.greetedFetch();
    for (let round = 1; round <= 3; round++) {
      fetch.say(request(7, round, 0, BLOCK));
      await fetch.hear('block', round);
    }
    expect(blocksAreRight(fetch)).toBe(true);
  });

  it('accepts 2048 unanswered requests, and ends with RESOURCE_EXHAUSTED for one more', async () => {
    uploader.reads.hold();
    const fetch = downloader.greetedFetch();
    for (let id = 1; id <= 2048; id++) fetch.say(request(id, id % 11, 0, 16 * KIB));
    fetch.say(cancel(2048)); // Its answer shows that all requests before it were accepted.
    await fetch.hear('reject');
    fetch.say(request(3000, 0, 0, 16 * KIB), request(3001, 0, 0, 16 * KIB));
    expect(await fetch.end()).toMatchObject({
      status: 'RESOURCE_EXHAUSTED',
      reason: 'TOO_MANY_REQUESTS',
      domain: 'enjambre.peer',
    });
  });

  it('rejects a piece that it does not have yet, and serves it once it does', async () => {
    const partial = await start({ has: [1], name: 'partial' });
    const fetch = new RawDownloader(partial)
      .greetedFetch()
      .say(request(1, 0, 0, BLOCK), request(2, 1, 0, BLOCK));
    await fetch.hear('block');
    expect(answersOf(fetch)).toMatchObject([{ id: 1, rejected: RejectReason.NOT_AVAILABLE }, { id: 2 }]);
    partial.have.set(0);
    fetch.say(request(3, 0, 0, BLOCK));
    await fetch.hear('block', 2);
    expect(blocksAreRight(fetch)).toBe(true);
  });

  it('rejects a block that cannot be read, and continues', async () => {
    uploader.reads.failure = new Error('EIO');
    const fetch = downloader.greetedFetch().say(request(1, 0, 0, BLOCK));
    expect(await fetch.hear('reject')).toEqual([{ id: 1, reason: RejectReason.READ_FAILED }]);
    uploader.reads.failure = undefined;
    fetch.say(request(2, 0, 0, BLOCK));
    await fetch.hear('block');
  });

  it('answers a cancelled request once: with a rejection if it waits, with its block if that is in progress', async () => {
    uploader.reads.hold();
    const ids = Array.from({ length: AT_ONCE + 4 }, (_, index) => index + 1);
    const fetch = downloader.greetedFetch().say(...ids.map((id) => request(id, id % 11, 0, BLOCK)));
    await waitFor(() => uploader.reads.started === AT_ONCE, { what: 'the reads' });
    fetch.say(...ids.map((id) => cancel(id)), cancel(1), cancel(999));
    await fetch.hear('reject', 4);
    uploader.reads.release();
    await fetch.hear('block', AT_ONCE);
    fetch.finish();
    expect(await fetch.end()).toEqual({ status: 'OK' });
    expect(idsOf(fetch)).toEqual(ids);
    const rejected = answersOf(fetch).filter((answer) => answer.rejected !== undefined);
    expect(rejected).toEqual([9, 10, 11, 12].map((id) => ({ id, rejected: RejectReason.CANCELLED })));
  });

  it('rejects the requests of a downloader without a slot, and serves it when it has one', async () => {
    const narrow = await start({ uploadSlots: 1 });
    const served = await new RawDownloader(narrow, 'served').greetedSync(PIECES);
    const other = new RawDownloader(narrow, 'other');
    const sync = await other.greetedSync(PIECES);
    await sync.hear('choke');
    const fetch = other.greetedFetch().say(request(50, 0, 0, BLOCK), request(51, 1, 0, BLOCK));
    await fetch.hear('reject', 2);
    expect(answersOf(fetch)).toEqual([50, 51].map((id) => ({ id, rejected: RejectReason.CHOKED })));
    expect(narrow.reads.started).toBe(0);
    served.call.cancel();
    await sync.hear('unchoke');
    fetch.say(request(60, 0, 0, BLOCK));
    await fetch.hear('block');
  });

  it('does not open without the session of a Sync stream, and ends with it', async () => {
    const stranger = downloader.fetch().say(downloader.hello({ session: Buffer.alloc(16) }));
    expect(await stranger.end()).toMatchObject({ status: 'UNAUTHENTICATED', reason: 'NO_SESSION' });
    const sync = await downloader.greetedSync(PIECES);
    const fetch = downloader.greetedFetch().say(request(1, 0, 0, BLOCK));
    await fetch.hear('block');
    sync.call.cancel();
    expect(await fetch.end()).toMatchObject({ status: 'ABORTED', reason: 'SYNC_ENDED' });
    const late = downloader.fetch().say(await downloader.fetchHello());
    expect(await late.end()).toMatchObject({ status: 'UNAUTHENTICATED', reason: 'NO_SESSION' });
    expect(uploader.reports).toEqual([]);
  });

  it('answers each request exactly once, whatever is requested and cancelled', async () => {
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('ask' as const), piece: fc.nat(10), half: fc.nat(1) }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), back: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.constant({ do: 'wait' as const }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 120 }), async (steps) => {
        const fetch = downloader.greetedFetch();
        let asked = 0;
        for (const act of steps) {
          if (act.do === 'ask') fetch.say(request(++asked, act.piece, act.half * BLOCK, 64 * KIB));
          else if (act.do === 'cancel') fetch.say(cancel(Math.max(0, asked - act.back)));
          else await new Promise((resolve) => setImmediate(resolve));
        }
        await fetch.when(() => (fetch.heard.length >= asked ? true : undefined));
        fetch.finish();
        expect(await fetch.end()).toEqual({ status: 'OK' });
        expect(idsOf(fetch)).toEqual(Array.from({ length: asked }, (_, index) => index + 1));
        expect(blocksAreRight(fetch)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  it('reads no more than 2 MiB ahead for a downloader that reads nothing, and serves the others', async () => {
    const idle = new StalledFetch(uploader.endpoint).say(await downloader.fetchHello());
    for (let id = 1; id <= 500; id++) idle.say(request(id, id % 11, 0, BLOCK));
    await waitFor(() => uploader.reads.started >= AT_ONCE, { what: 'the first reads' });
    const busy = new RawDownloader(uploader, 'busy').greetedFetch();
    for (let id = 1; id <= 60; id++) {
      busy.say(request(id, id % 11, 0, BLOCK));
      await busy.hear('block', id);
    }
    expect(blocksAreRight(busy)).toBe(true);
    expect(uploader.reads.started - 60).toBe(AT_ONCE);
    idle.close();
  });

  it('closes the stream of a downloader that reads no block for a minute', async () => {
    const timers = shortenTimers(STALL_TIMEOUT_MS, 200);
    const idle = new StalledFetch(uploader.endpoint).say(
      await downloader.fetchHello(),
      request(1, 0, 0, BLOCK),
    );
    await timers.ranOut;
    expect(await idle.end()).toEqual({ status: 4, message: 'the downloader read no block for too long' });
    idle.close();
    timers.restore();
  });

  it('does not queue rejections without bound for a downloader that reads none', async () => {
    const empty = await start({ has: [], name: 'empty' });
    const idle = new StalledFetch(empty.endpoint).say(await new RawDownloader(empty).fetchHello());
    for (let id = 1; id <= 20_000; id++) idle.say(request(id, 0, 0, BLOCK));
    // Nothing is read before the uploader has given up.
    await idle.opened;
    await waitFor(() => empty.load.streams === 0, { what: 'the uploader to give up' });
    expect(await idle.end()).toEqual({ status: 8, message: 'too many unanswered requests' });
    idle.close();
  });

  it('sends a block in parts under a limit, reading it in parts as well, and whole when it is lifted', async () => {
    uploader.limiter.setLimit(1e6, performance.now());
    const fetch = downloader.fetch().say(downloader.hello({ takesParts: true }), request(1, 0, BLOCK, BLOCK));
    await fetch.when(() =>
      fetch.heard.some(({ $case, value }) => $case === 'block' && value.left === 0) ? true : undefined,
    );
    const parts = await fetch.hear('block', 2);
    expect(Buffer.concat(parts.map(({ data: bytes }) => bytes)).equals(data.subarray(BLOCK, 2 * BLOCK))).toBe(
      true,
    );
    expect(parts.map(({ id, piece, begin }) => [id, piece, begin])).toEqual(
      parts.map((_, at) => [1, 0, BLOCK + at * 48 * KIB]),
    );
    expect(uploader.reads.started).toBe(parts.length);
    uploader.limiter.setLimit(0, performance.now());
    fetch.say(request(2, 1, 0, BLOCK));
    const last = (await fetch.hear('block', parts.length + 1)).at(-1);
    expect([last?.id, last?.left, last?.data.length]).toEqual([2, 0, BLOCK]);
  });

  it('follows the pace set by its downloader, and is as fast as possible when that is lifted', async () => {
    const pace = (bytesPerSecond: bigint) => ({ $case: 'pace' as const, value: { bytesPerSecond } });
    const fetch = downloader
      .fetch()
      .say(downloader.hello({ takesParts: true }), pace(400_000n), request(1, 0, 0, BLOCK));
    const [first] = await fetch.hear('block');
    expect([first?.data.length, first?.left]).toEqual([16 * KIB, BLOCK - 16 * KIB]);
    fetch.say(pace(0n), request(2, 1, 0, BLOCK));
    await fetch.when(() =>
      fetch.heard.some(({ $case, value }) => $case === 'block' && value.id === 2) ? true : undefined,
    );
    expect(blocksAreRight(fetch)).toBe(true);
  });

  it('rejects the rest of a block that has become unreadable', async () => {
    uploader.limiter.setLimit(1e6, performance.now());
    const fetch = downloader.fetch().say(downloader.hello({ takesParts: true }), request(1, 0, 0, BLOCK));
    await fetch.hear('block');
    uploader.reads.failure = new Error('EIO');
    expect(await fetch.hear('reject')).toEqual([{ id: 1, reason: RejectReason.READ_FAILED }]);
    uploader.reads.failure = undefined;
    uploader.limiter.setLimit(0, performance.now());
    fetch.say(request(2, 1, 0, BLOCK));
    await fetch.when(() =>
      fetch.heard.some(({ $case, value }) => $case === 'block' && value.id === 2) ? true : undefined,
    );
  });

  it('drops the requests of a downloader that has left', async () => {
    uploader.reads.hold();
    const fetch = downloader.greetedFetch();
    for (let id = 1; id <= 40; id++) fetch.say(request(id, id % 11, 0, BLOCK));
    await waitFor(() => uploader.reads.started === AT_ONCE, { what: 'the reads' });
    fetch.call.cancel();
    await fetch.end();
    const other = new RawDownloader(uploader, 'other').greetedFetch().say(request(1, 0, 0, BLOCK));
    await waitFor(() => uploader.reads.started === AT_ONCE + 1, { what: 'the read for the other' });
    uploader.reads.release();
    await other.hear('block');
    expect(uploader.reads.started).toBe(AT_ONCE + 1);
  });
});
