import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Metainfo } from '@enjambre/core/metainfo';
import { RejectReason } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { bytesOf, metainfoOf } from '../support/content.js';
import {
  answersOf,
  any,
  cancel,
  have,
  RawDownloader,
  request,
  type FetchStream,
  type SyncStream,
} from '../support/downloader.js';
import { TestFolder } from '../support/folder.js';
import { Uploader } from '../support/uploader.js';

const BLOCK = 256 * 1024;
const PIECE = 2 * BLOCK;
const PIECES = 4;
const data = bytesOf(PIECES * PIECE);

let folder: TestFolder;
let metainfo: Metainfo;
let path: string;
let uploader: Uploader;

beforeAll(async () => {
  folder = await TestFolder.make();
  metainfo = metainfoOf(data, PIECE);
  path = await folder.write('file.bin', data);
});

afterAll(() => folder.remove());

beforeEach(async () => {
  uploader = await Uploader.start(metainfo, path);
});

afterEach(() => uploader.stop());

interface Downloader {
  readonly sync: SyncStream;
  readonly fetch: FetchStream;
}

async function downloaderNamed(name: string, takesParts = false): Promise<Downloader> {
  const downloader = new RawDownloader(uploader, name);
  const sync = await downloader.greetedSync(PIECES);
  return { sync, fetch: downloader.fetch().say(downloader.hello({ takesParts })) };
}

/** The super-seeding notices on a Sync stream, in order. */
function spreadsOf({ sync }: Downloader): boolean[] {
  return sync.heard.flatMap((message) => (message.$case === 'spread' ? [message.value.on] : []));
}

function blocksOf({ fetch }: Downloader): { piece: number; begin: number }[] {
  return fetch.heard.flatMap((message) =>
    message.$case === 'block' ? [{ piece: message.value.piece, begin: message.value.begin }] : [],
  );
}

const until = (what: () => boolean): Promise<unknown> => waitFor(what, { what: 'what the test waits for' });

describe('super-seeding', () => {
  it('starts when there are two downloaders, and stops when there are no longer two', async () => {
    const first = await downloaderNamed('first');
    const second = await downloaderNamed('second');
    await until(() => spreadsOf(first).length === 1 && spreadsOf(second).length === 1);
    expect([spreadsOf(first), spreadsOf(second)]).toEqual([[true], [true]]);
    second.sync.finish();
    await until(() => spreadsOf(first).length === 2);
    expect(spreadsOf(first)).toEqual([true, false]);
  });

  it('gives each downloader other pieces, block by block, with the right bytes', async () => {
    const both = [await downloaderNamed('first'), await downloaderNamed('second')];
    for (const { fetch } of both) fetch.say(...[1, 2, 3, 4].map((id) => any(id)));
    await until(() => both.every((one) => blocksOf(one).length === 4));
    const pieces = both.map((one) => new Set(blocksOf(one).map(({ piece }) => piece)));
    expect(pieces.map(({ size }) => size)).toEqual([2, 2]);
    expect(new Set(pieces.flatMap((some) => [...some])).size).toBe(PIECES);
    for (const { fetch } of both) {
      for (const message of fetch.heard) {
        if (message.$case !== 'block') continue;
        const { piece, begin, data: bytes } = message.value;
        const at = piece * PIECE + begin;
        expect(data.subarray(at, at + BLOCK).equals(bytes)).toBe(true);
      }
    }
  });

  it('holds back while all pieces are on their way, and refuses once nothing is rare', async () => {
    const [first, second] = [await downloaderNamed('first'), await downloaderNamed('second')];
    first.fetch.say(...Array.from({ length: 2 * PIECES }, (_, id) => any(id)));
    await until(() => blocksOf(first).length === 2 * PIECES);
    second.fetch.say(any(1), any(2), cancel(2));
    await second.fetch.hear('reject');
    expect(answersOf(second.fetch)).toEqual([{ id: 2, rejected: RejectReason.CANCELLED }]);
    first.sync.say(have(0, 1, 2, 3));
    await second.fetch.hear('reject', 2);
    expect(answersOf(second.fetch)[1]).toEqual({ id: 1, rejected: RejectReason.NOT_AVAILABLE });
    await until(() => spreadsOf(second).length === 2);
    expect(spreadsOf(second)).toEqual([true, false]);
  });

  it('passes pieces on their way to a downloader that left to another', async () => {
    const first = await downloaderNamed('first');
    const [second, third] = [await downloaderNamed('second'), await downloaderNamed('third')];
    first.fetch.say(...Array.from({ length: 2 * PIECES }, (_, id) => any(id)));
    await until(() => blocksOf(first).length === 2 * PIECES);
    second.fetch.say(any(1));
    first.sync.call.cancel();
    await until(() => blocksOf(second).length === 1);
    expect(spreadsOf(third)).toEqual([true]);
  });

  it('stays within the requested class of pieces', async () => {
    const [first] = [await downloaderNamed('first'), await downloaderNamed('second')];
    first.fetch.say(any(1, 4, 2), any(2, 4, 2));
    await until(() => blocksOf(first).length === 2);
    // Both are read concurrently: either may come first.
    const inOrder = blocksOf(first).sort((one, other) => one.begin - other.begin);
    expect(inOrder).toEqual([
      { piece: 2, begin: 0 },
      { piece: 2, begin: BLOCK },
    ]);
  });

  it('sends parts under a limit, each with its position, one block after the other', async () => {
    uploader.limiter.setLimit(2e6, performance.now());
    const both = [await downloaderNamed('first', true), await downloaderNamed('second', true)];
    for (const { fetch } of both) fetch.say(any(1), any(2));
    const ended = ({ fetch }: Downloader): number =>
      fetch.heard.filter((message) => message.$case === 'block' && message.value.left === 0).length;
    await until(() => both.every((one) => ended(one) === 2));
    for (const { fetch } of both) {
      const parts = fetch.heard.flatMap((message) => (message.$case === 'block' ? [message.value] : []));
      const [{ piece } = { piece: -1 }] = parts;
      expect(parts.length).toBeGreaterThan(4);
      let begin = 0;
      for (const part of parts) {
        expect([part.id, part.piece, part.begin]).toEqual([begin < BLOCK ? 1 : 2, piece, begin]);
        begin += part.data.length;
        expect(part.left).toBe((PIECE - begin) % BLOCK);
      }
      const sent = Buffer.concat(parts.map(({ data: bytes }) => bytes));
      expect(sent.equals(data.subarray(piece * PIECE, (piece + 1) * PIECE))).toBe(true);
    }
  });

  it('costs nothing of a limit while held back', async () => {
    const [first, second] = [await downloaderNamed('first'), await downloaderNamed('second')];
    first.fetch.say(...Array.from({ length: 2 * PIECES }, (_, id) => any(id)));
    await until(() => blocksOf(first).length === 2 * PIECES);
    // A hundred blocks would overdraw half a minute.
    uploader.limiter.setLimit(1e6, performance.now());
    second.fetch.say(...Array.from({ length: 100 }, (_, id) => any(id)), request(100, 0, 0, BLOCK));
    await until(() => blocksOf(second).length === 1);
    expect(blocksOf(second)).toEqual([{ piece: 0, begin: 0 }]);
  });

  it('is refused to a single downloader', async () => {
    const only = await downloaderNamed('only');
    only.fetch.say(any(1));
    await only.fetch.hear('reject');
    expect(answersOf(only.fetch)).toEqual([{ id: 1, rejected: RejectReason.NOT_AVAILABLE }]);
  });

  it.each([
    ['no class', 0, 0],
    ['a class that does not exist', 3, 3],
    ['too many classes', 1001, 0],
  ])('of %s ends the stream', async (_, modulus, residue) => {
    const one = await downloaderNamed('one');
    one.fetch.say(any(1, modulus, residue));
    expect(await one.fetch.end()).toMatchObject({ reason: 'BAD_REQUEST' });
  });
});
