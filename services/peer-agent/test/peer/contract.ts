import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash } from '@enjambre/core/ids';
import { PieceLayout } from '@enjambre/core/layout';
import type { BlockSource, PeerAddress, PeerConnector, SourceNews } from '../../src/app/ports/peers.js';
import { bytesOf, metainfoOf } from '../support/content.js';
import { infoHash, peerNamed } from '../support/ids.js';
import type { Content } from '../support/memory-swarm.js';

const BLOCK = 256 * 1024;
const PIECE = 2 * BLOCK;
const data = bytesOf(3 * PIECE + 100_000);

/** The file of all uploaders. The last of its four pieces is one short block. */
export const CONTENT: Content = { metainfo: metainfoOf(data, PIECE), data };

/** An uploader, as a test sees it. */
export interface UploaderSite {
  readonly address: PeerAddress;
  /** It has verified these pieces. */
  gain(...pieces: number[]): void;
  /** It sends nothing until {@link release}. */
  hold(): void;
  release(): void;
  /** It stops serving the file. */
  withdraw(): void;
  /** Its process ends. */
  kill(): Promise<void>;
  /** Downloaders with a link to it. */
  links(): number;
  /** Pieces that downloaders have announced. */
  known(): readonly number[];
  /** The last pace requested. */
  bytesPerSecond(): number;
}

/** A connector, and peers for it. */
export interface SwarmSite {
  /** The connector of a different agent with each call. */
  connector(): PeerConnector;
  /** An uploader of {@link CONTENT} with these pieces. @default all */
  uploader(name: string, has?: readonly number[]): Promise<UploaderSite>;
  /** A peer that answers any metainfo request with these bytes; without them it stays silent. */
  informant(name: string, bytes?: Buffer): Promise<PeerAddress>;
  close(): Promise<void>;
}

/** Records the news of a link. */
class Listener {
  readonly news: SourceNews[] = [];
  readonly hear = (news: SourceNews): void => void this.news.push(news);

  of<Type extends SourceNews['type']>(type: Type): Extract<SourceNews, { type: Type }>[] {
    return this.news.filter((news): news is Extract<SourceNews, { type: Type }> => news.type === type);
  }

  async until<Type extends SourceNews['type']>(
    type: Type,
    count = 1,
  ): Promise<Extract<SourceNews, { type: Type }>[]> {
    await this.when(() => this.of(type).length >= count, `${count} times ${type}`);
    return this.of(type);
  }

  async when(condition: () => boolean, what: string): Promise<void> {
    const seen = () => this.news.map((news) => ({ ...news, data: undefined }));
    await waitFor(condition, { what, everyMs: 2, timeoutMs: 10_000, seen });
  }

  /** The answers to a request, in order. */
  answersTo(id: number): SourceNews[] {
    return [...this.of('block-arrived'), ...this.of('block-rejected')].filter((news) => news.id === id);
  }
}

interface Open {
  readonly source: BlockSource;
  readonly listener: Listener;
}

/** The contract of {@link PeerConnector} and its {@link BlockSource}s. `create` makes a swarm without peers. */
export function peerConnectorContract(create: () => Promise<SwarmSite>): void {
  const { metainfo } = CONTENT;
  const layout = new PieceLayout(metainfo);
  const { infohash } = metainfo;
  let site: SwarmSite;
  let connector: PeerConnector;
  let sources: BlockSource[];

  beforeEach(async () => {
    site = await create();
    connector = site.connector();
    sources = [];
  });

  afterEach(async () => {
    for (const source of sources) source.close('STOPPING', 'the test is over');
    await site.close();
  });

  const open = (
    peer: PeerAddress,
    { by = connector, have = Bitfield.empty(layout.pieceCount), of = infohash } = {},
  ): Open => {
    const listener = new Listener();
    const source = by.open(peer, { infohash: of, layout, have }, listener.hear);
    expect(listener.news).toEqual([]);
    sources.push(source);
    return { source, listener };
  };
  const joined = async (peer: PeerAddress, by = connector): Promise<Open> => {
    const link = open(peer, { by });
    await link.listener.until('source-joined');
    return link;
  };
  const blockAt = (piece: number, block: number) => ({
    piece,
    begin: block * BLOCK,
    length: layout.blockSize(piece, block),
  });
  const bytesAt = (piece: number, block: number): Buffer => {
    const at = piece * PIECE + block * BLOCK;
    return data.subarray(at, at + layout.blockSize(piece, block));
  };
  /** Resolves when the uploader has answered all earlier requests. */
  const answered = async ({ source, listener }: Open): Promise<void> => {
    const id = 1_000_000 + listener.news.length;
    source.request(id, blockAt(3, 0));
    await listener.when(() => listener.answersTo(id).length > 0, 'the answer to the last request');
  };
  const nobody = async (): Promise<PeerAddress> => {
    const uploader = await site.uploader('nobody');
    await uploader.kill();
    return uploader.address;
  };

  describe('a link', () => {
    test('begins with the pieces of the uploader, and not before `open` returns', async () => {
      const { address } = await site.uploader('uploader', [0, 2]);
      const { source, listener } = await joined(address);
      expect([source.id, source.kind]).toEqual([address.peerId, 'peer']);
      const [news] = listener.news;
      expect(news).toMatchObject({ type: 'source-joined', source: address.peerId });
      expect([...listener.of('source-joined')[0]!.has.indexes()]).toEqual([0, 2]);
      expect(listener.of('source-joined')).toHaveLength(1);
    });

    test('sends our pieces to the uploader when it begins', async () => {
      const uploader = await site.uploader('uploader');
      const have = Bitfield.empty(layout.pieceCount);
      have.set(0);
      const { source, listener } = open(uploader.address, { have });
      have.set(1); // Still before it is sent.
      source.have([1]);
      await listener.until('source-joined');
      await listener.when(() => [...uploader.known()].sort().join() === '0,1', 'the uploader to know');
    });

    test('reports pieces that the uploader verifies', async () => {
      const uploader = await site.uploader('uploader', [0]);
      const { listener } = await joined(uploader.address);
      uploader.gain(1, 2);
      await listener.when(
        () => listener.of('source-has').flatMap(({ pieces }) => pieces).length === 2,
        'two pieces',
      );
      expect(listener.of('source-has').flatMap(({ pieces }) => pieces)).toEqual([1, 2]);
    });

    test('sends pieces that we verify, and the pace, to the uploader', async () => {
      const uploader = await site.uploader('uploader');
      const { source, listener } = await joined(uploader.address);
      source.have([2, 3]);
      source.pace(1_000_000);
      await listener.when(() => [...uploader.known()].sort().join() === '2,3', 'the uploader to know');
      await listener.when(() => uploader.bytesPerSecond() === 1_000_000, 'the pace');
      source.pace(0);
      await listener.when(() => uploader.bytesPerSecond() === 0, 'the end of the pace');
    });
  });

  describe('a request', () => {
    test('is answered once with the bytes of its block', async () => {
      const { source, listener } = await joined((await site.uploader('uploader')).address);
      const asked = [0, 1, 2].flatMap((piece) => [0, 1].map((block) => ({ piece, block })));
      asked.push({ piece: 3, block: 0 });
      for (const [id, { piece, block }] of asked.entries()) source.request(id, blockAt(piece, block));
      const blocks = await listener.until('block-arrived', asked.length);
      for (const [id, ref] of asked.entries()) {
        const [block, ...more] = blocks.filter((news) => news.id === id);
        expect(more).toEqual([]);
        expect(block).toMatchObject({ source: source.id, ref });
        expect(block!.data.equals(bytesAt(ref.piece, ref.block))).toBe(true);
      }
      expect(listener.of('block-rejected')).toEqual([]);
    });

    test('is rejected for a piece that the uploader does not have', async () => {
      const { source, listener } = await joined((await site.uploader('uploader', [0])).address);
      source.request(7, blockAt(1, 0));
      expect(await listener.until('block-rejected')).toEqual([
        { type: 'block-rejected', source: source.id, id: 7, reason: 'not-available' },
      ]);
    });

    test('that is cancelled is answered once, with its block or a rejection', async () => {
      const uploader = await site.uploader('uploader');
      const link = await joined(uploader.address);
      const { source, listener } = link;
      uploader.hold();
      const ids = Array.from({ length: 60 }, (_, id) => id);
      for (const id of ids) source.request(id, blockAt(id % 3, 0));
      for (const id of ids) if (id !== 4) source.cancel(id);
      uploader.release();
      await listener.when(() => ids.every((id) => listener.answersTo(id).length > 0), 'all answers');
      await answered(link);
      for (const id of ids) expect([id, listener.answersTo(id).length]).toEqual([id, 1]);
      expect(listener.answersTo(4)).toMatchObject([{ type: 'block-arrived' }]);
      for (const news of listener.of('block-rejected')) expect(news.reason).toBe('cancelled');
    });

    test('is not answered again if it is cancelled later; cancelling an unknown one has no effect', async () => {
      const link = await joined((await site.uploader('uploader')).address);
      link.source.request(1, blockAt(0, 0));
      await link.listener.until('block-arrived');
      link.source.cancel(1);
      link.source.cancel(99);
      await answered(link);
      expect(link.listener.answersTo(1)).toHaveLength(1);
      expect(link.listener.answersTo(99)).toEqual([]);
    });

    test('for any block gets one from its class of pieces, or a rejection', async () => {
      const { address } = await site.uploader('uploader');
      const link = await joined(address);
      await joined(address, site.connector());
      const { source, listener } = link;
      await listener.until('source-super-seeds');
      expect(listener.of('source-super-seeds')).toMatchObject([{ on: true }]);
      source.requestAny(1, { modulus: 4, residue: 2 });
      source.requestAny(2, { modulus: 4, residue: 2 });
      source.requestAny(3, { modulus: 2, residue: 1 });
      const blocks = await listener.until('block-arrived', 3);
      for (const [id, modulus, residue] of [
        [1, 4, 2],
        [2, 4, 2],
        [3, 2, 1],
      ] as const) {
        expect(listener.answersTo(id)).toHaveLength(1);
        const { ref, data: bytes } = blocks.find((news) => news.id === id)!;
        expect(ref.piece % modulus).toBe(residue);
        expect(bytes.equals(bytesAt(ref.piece, ref.block))).toBe(true);
      }
      expect(new Set(blocks.map(({ ref }) => `${ref.piece}/${ref.block}`)).size).toBe(3);
    });

    test('for any block is rejected while the uploader does not super-seed', async () => {
      const { source, listener } = await joined((await site.uploader('uploader')).address);
      source.requestAny(1, { modulus: 1, residue: 0 });
      expect(await listener.until('block-rejected')).toMatchObject([{ id: 1, reason: 'not-available' }]);
    });
  });

  describe('the end of a link', () => {
    /** Expects the end of the link, its reason, and no later news. */
    const over = async ({ source, listener }: Open, byUs: boolean): Promise<EnjambreError> => {
      const [left] = await listener.until('source-left');
      const hasJoined = listener.of('source-joined').length > 0;
      expect(left).toMatchObject({ source: source.id, byUs, joined: hasJoined });
      expect(left!.error).toBeInstanceOf(EnjambreError);
      const { length } = listener.news;
      source.request(50, blockAt(0, 0));
      source.requestAny(51, { modulus: 1, residue: 0 });
      source.cancel(50);
      source.have([0]);
      source.pace(1000);
      source.close('AGAIN', 'once more');
      const other = await joined((await site.uploader('a witness')).address);
      await answered(other);
      expect(listener.news.slice(length)).toEqual([]);
      expect(listener.of('source-left')).toHaveLength(1);
      expect(listener.news.at(-1)).toBe(left);
      return left!.error;
    };

    test('by us is reported once, with its reason, and is the last news', async () => {
      const uploader = await site.uploader('uploader');
      const link = await joined(uploader.address);
      uploader.hold();
      for (let id = 0; id < 4; id++) link.source.request(id, blockAt(id % 3, 0));
      link.source.close('REPLACED', 'another peer is tried instead');
      uploader.release();
      expect(await over(link, true)).toMatchObject({ reason: 'REPLACED' });
      expect(link.listener.of('block-arrived')).toEqual([]);
      await link.listener.when(() => uploader.links() === 0, 'the uploader to notice');
    });

    test('by us is the last news, whatever the uploader sends at that moment', async () => {
      const uploader = await site.uploader('uploader', [0]);
      const link = await joined(uploader.address);
      uploader.gain(1);
      link.source.close('REPLACED', 'another peer is tried instead');
      await over(link, true);
    });

    test('by us may precede its begin, which then never comes', async () => {
      const link = open((await site.uploader('uploader')).address);
      link.source.close('REPLACED', 'another peer is tried instead');
      await over(link, true);
      expect(link.listener.of('source-joined')).toEqual([]);
    });

    test('by us may happen in any news callback', async () => {
      const { address } = await site.uploader('uploader');
      const listener = new Listener();
      const source: BlockSource = connector.open(
        address,
        { infohash, layout, have: Bitfield.empty(layout.pieceCount) },
        (news) => {
          listener.hear(news);
          if (news.type === 'block-arrived') source.close('ENOUGH', 'one block does');
          if (news.type !== 'source-joined') return;
          for (let id = 1; id < 20; id++) source.request(id, blockAt(3, 0));
        },
      );
      sources.push(source);
      await over({ source, listener }, true);
      expect(listener.news.map(({ type }) => type)).toEqual([
        'source-joined',
        'block-arrived',
        'source-left',
      ]);
    });

    test('by an uploader that withdraws the file is reported once, and is the last news', async () => {
      const uploader = await site.uploader('uploader');
      const link = await joined(uploader.address);
      uploader.hold();
      link.source.request(1, blockAt(0, 0));
      uploader.withdraw();
      uploader.release();
      await over(link, false);
      expect(link.listener.of('block-arrived')).toEqual([]);
    });

    test('is reported when the process of the uploader ends', async () => {
      const uploader = await site.uploader('uploader');
      const link = await joined(uploader.address);
      await uploader.kill();
      await over(link, false);
    });

    test('is the only news of an unreachable peer', async () => {
      const link = open(await nobody());
      await over(link, false);
      expect(link.listener.news).toHaveLength(1);
    });

    test('is the only news of a peer without the file', async () => {
      const link = open((await site.uploader('uploader')).address, { of: infoHash('aa') });
      await over(link, false);
      expect(link.listener.news).toHaveLength(1);
    });

    test('is the only news if another peer answers at the address', async () => {
      const { address } = await site.uploader('uploader');
      const link = open({ ...address, peerId: peerNamed('somebody else') });
      expect(await over(link, false)).toMatchObject({ reason: 'OTHER_PEER' });
      expect(link.listener.news).toHaveLength(1);
    });

    test('does not affect other links', async () => {
      const [one, other] = [await site.uploader('one'), await site.uploader('other')];
      const first = await joined(one.address);
      const second = await joined(other.address);
      first.source.close('REPLACED', 'another peer is tried instead');
      second.source.request(1, blockAt(0, 0));
      await second.listener.until('block-arrived');
      expect(second.listener.of('source-left')).toEqual([]);
    });
  });

  describe('fetching metainfo', () => {
    const fetch = (peer: PeerAddress, of: InfoHash = infohash): Promise<unknown> =>
      connector.fetchMetainfo(peer, of, AbortSignal.timeout(10_000));

    test('returns that of the file, and reports progress', async () => {
      const { address } = await site.uploader('uploader');
      const steps: [number, number][] = [];
      const { signal } = new AbortController();
      let dials = 0;
      const found = await connector.fetchMetainfo(address, infohash, signal, {
        dialed: () => (dials += 1),
        received: (bytes, total) => steps.push([bytes, total]),
      });
      expect(dials).toBe(1);
      expect(found.infohash).toBe(infohash);
      expect(found.bytes.equals(metainfo.bytes)).toBe(true);
      const total = metainfo.bytes.length;
      expect(steps.at(-1)).toEqual([total, total]);
      for (const [index, [bytes, of]] of steps.entries()) {
        expect(bytes).toBeGreaterThan(steps[index - 1]?.[0] ?? 0);
        expect(of).toBe(total);
      }
    });

    test('refuses that of another file', async () => {
      const other = metainfoOf(bytesOf(1000, 2), 16 * 1024);
      const liar = await site.informant('liar', other.bytes);
      await expect(fetch(liar)).rejects.toMatchObject({ code: 'invalid', reason: 'BAD_METAINFO' });
    });

    test('refuses bytes that are not metainfo', async () => {
      const liar = await site.informant('liar', Buffer.from('no bencode'));
      await expect(fetch(liar)).rejects.toMatchObject({ code: 'invalid', reason: 'BAD_METAINFO' });
    });

    test('fails if the peer does not have the file, or is unreachable', async () => {
      const { address } = await site.uploader('uploader');
      await expect(fetch(address, infoHash('aa'))).rejects.toMatchObject({ code: 'not-found' });
      await expect(fetch(await nobody())).rejects.toMatchObject({ code: 'unavailable' });
    });

    test('ends when its signal aborts, before it begins or while it waits', async () => {
      const silent = await site.informant('silent');
      const abort = new AbortController();
      const fetching = connector.fetchMetainfo(silent, infohash, abort.signal);
      const failure = expect(fetching).rejects.toMatchObject({ code: 'cancelled' });
      abort.abort();
      await failure;
      const { address } = await site.uploader('uploader');
      await expect(connector.fetchMetainfo(address, infohash, abort.signal)).rejects.toMatchObject({
        code: 'cancelled',
      });
    });
  });
}
