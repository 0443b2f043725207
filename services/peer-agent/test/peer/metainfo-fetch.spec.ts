import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { InfoHash } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import { parseMetainfoSteps } from '@enjambre/core/metainfo-parse';
import type { Steps } from '@enjambre/core/steps';
import { dialer } from '@enjambre/harness/dialer';
import { PeerServiceClient } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { MetainfoFetch } from '../../src/adapters/peer/client/metainfo-fetch.js';
import { bytesOf, metainfoOf, metainfoOfMany } from '../support/content.js';
import { HostileUploader, type Script } from '../support/hostile-uploader.js';

const LARGE = 64 << 10;
const small = metainfoOf(bytesOf(20_000), 16_384);
const large = [2000, 2100, 2200].map(metainfoOfMany) as [Metainfo, Metainfo, Metainfo];

/** Parses correctly, but parses of large metainfo end only when released. */
class HeldParses {
  /** Lengths of the large metainfo, in the order in which their parses started. */
  readonly begun: number[] = [];
  /** Maximum number of concurrent parses. */
  most = 0;
  isHeld = true;
  #running = 0;

  *parse(bytes: Uint8Array, expected: InfoHash): Steps<Metainfo> {
    if (bytes.length <= LARGE) return yield* parseMetainfoSteps(bytes, expected);
    this.begun.push(bytes.length);
    this.#running += 1;
    this.most = Math.max(this.most, this.#running);
    try {
      while (this.isHeld) yield;
      return yield* parseMetainfoSteps(bytes, expected);
    } finally {
      this.#running -= 1;
    }
  }
}

describe('metainfo from untrusted peers', () => {
  let parses: HeldParses;
  let fetch: MetainfoFetch;
  const servers: HostileUploader[] = [];
  const clients: PeerServiceClient[] = [];

  beforeEach(() => {
    parses = new HeldParses();
    fetch = new MetainfoFetch((bytes, expected) => parses.parse(bytes, expected));
  });

  afterEach(() => {
    parses.isHeld = false;
    for (const client of clients.splice(0)) client.close();
    for (const server of servers.splice(0)) server.stop();
  });

  /** Fetches from a new peer; resolves when all bytes have arrived. */
  const begin = async (metainfo: Metainfo, signal = new AbortController().signal, script: Script = {}) => {
    const server = await HostileUploader.start('server', { metainfo, data: Buffer.alloc(0) }, script);
    servers.push(server);
    let seen = '';
    const client = dialer.client(PeerServiceClient, server.address.endpoint, 'agent');
    clients.push(client);
    const outcome = fetch.from(client, metainfo.infohash, signal, (bytes, total) => {
      seen = `${bytes} of ${total}`;
    });
    const fetched = { ended: false, outcome };
    const ends = (): boolean => (fetched.ended = true);
    outcome.then(ends, ends);
    const what = 'all bytes of the metainfo';
    await waitFor(() => /^(\d+) of \1$/.test(seen), { what, seen: () => seen });
    return fetched;
  };

  /** A whole fetch takes longer than the end of one whose bytes have arrived: by then it is parsed, or waits. */
  const fetchSmall = async (): Promise<void> => {
    const { outcome } = await begin(small);
    expect((await outcome).infohash).toBe(small.infohash);
  };

  it('is parsed one at a time if large, and small ones do not wait for that', async () => {
    expect(Math.min(...large.map(({ bytes }) => bytes.length))).toBeGreaterThan(LARGE);
    const fetches = [];
    for (const metainfo of large) fetches.push(await begin(metainfo));
    await fetchSmall();
    expect(parses.begun).toEqual([large[0].bytes.length]);
    parses.isHeld = false;
    const found = await Promise.all(fetches.map(({ outcome }) => outcome));
    expect(found.map(({ infohash }) => infohash)).toEqual(large.map(({ infohash }) => infohash));
    expect([parses.begun.length, parses.most]).toEqual([3, 1]);
  });

  it('does not block the next one if it is bad', async () => {
    const rubbish = Buffer.alloc(2 * LARGE, 'x');
    const bad = await begin(large[0], undefined, {
      metainfo: (call) => {
        call.write({ totalLength: rubbish.length, chunk: rubbish });
        call.end();
      },
    });
    const good = await begin(large[1]);
    await fetchSmall();
    expect(parses.begun).toEqual([rubbish.length]);
    parses.isHeld = false;
    await expect(bad.outcome).rejects.toMatchObject({ code: 'invalid', reason: 'BAD_METAINFO' });
    expect((await good.outcome).infohash).toBe(large[1].infohash);
  });

  it('is released at once, and never parsed, when a waiting fetch is aborted', async () => {
    const abort = new AbortController();
    const first = await begin(large[0]);
    const aborted = await begin(large[1], abort.signal);
    const next = await begin(large[2]);
    await fetchSmall();
    abort.abort(new Error('enough'));
    await waitFor(() => aborted.ended, { what: 'the end of a fetch that waits' });
    await expect(aborted.outcome).rejects.toThrow('enough');
    expect([first.ended, next.ended, parses.begun]).toEqual([false, false, [large[0].bytes.length]]);
    parses.isHeld = false;
    expect((await first.outcome).infohash).toBe(large[0].infohash);
    expect((await next.outcome).infohash).toBe(large[2].infohash);
    expect(parses.begun).toEqual([large[0].bytes.length, large[2].bytes.length]);
  });

  it('is released while it is parsed, and the next one is then parsed', async () => {
    const abort = new AbortController();
    const aborted = await begin(large[0], abort.signal);
    const next = await begin(large[1]);
    await waitFor(() => parses.begun.length > 0, { what: 'the first parse' });
    abort.abort(new Error('enough'));
    await expect(aborted.outcome).rejects.toThrow('enough');
    await waitFor(() => parses.begun.length > 1, { what: 'the next parse', seen: () => parses.begun });
    parses.isHeld = false;
    expect((await next.outcome).infohash).toBe(large[1].infohash);
  });
});
