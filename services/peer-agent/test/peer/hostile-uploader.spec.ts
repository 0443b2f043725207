import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ATTEMPT_DELAY_MS } from '@enjambre/common/async/first-of';
import { sleep } from '@enjambre/common/async/sleep';
import { waitFor } from '@enjambre/harness/wait-for';
import { infoHashToBytes, peerIdToBytes } from '@enjambre/core/ids';
import fc from 'fast-check';
import type { Request } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { Metainfo } from '@enjambre/core/metainfo';
import { HELLO_TIMEOUT_MS } from '../../src/adapters/peer/wire-constants.js';
import type { PeerAddress } from '../../src/app/ports/peers.js';
import { bytesOf, metainfoOf } from '../support/content.js';
import { DownloadAgent } from '../support/download-agent.js';
import { HostileUploader, type Script, type Victim } from '../support/hostile-uploader.js';
import { infoHash, peerNamed } from '../support/ids.js';
import { SilentPeer } from '../support/silent-peer.js';
import { shortenTimers } from '../support/shorten.js';

const KIB = 1024;
const BLOCK = 256 * KIB;
const PIECE = 2 * BLOCK;
/** Seven pieces, the last one of 100,000 bytes. */
const data = bytesOf(6 * PIECE + 100_000);
const content = { data, metainfo: metainfoOf(data, PIECE) };
const PIECES = 7;

let agent: DownloadAgent;
const uploaders: { stop(): void }[] = [];

beforeEach(async () => {
  agent = await DownloadAgent.start();
});

afterEach(async () => {
  await agent.stop();
  for (const uploader of uploaders.splice(0)) uploader.stop();
});

async function uploader(
  name: string,
  script: Script | ((self: () => HostileUploader) => Script) = {},
  of = content,
): Promise<HostileUploader> {
  const made: HostileUploader[] = [];
  const self = (): HostileUploader => made[0]!;
  made.push(await HostileUploader.start(name, of, typeof script === 'function' ? script(self) : script));
  uploaders.push(self());
  return self();
}

const mallory = peerNamed('mallory');
const flipped = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.map((byte, at) => (at === 77 ? byte ^ 1 : byte)));
const reject = (id: number) => ({ $case: 'reject' as const, value: { id, reason: 3 } });

/** Actions that no honest peer does on its streams: a strike each time. */
const breaches: [string, (self: () => HostileUploader) => Script][] = [
  [
    'sends an unrequested block',
    (self) => ({
      ready: (victim) =>
        victim.answer(self().block({ id: 4_000_000_000, piece: 0, begin: 0, length: BLOCK })),
      request: () => undefined,
    }),
  ],
  [
    'answers with a different block than requested',
    (self) => ({
      request: (request, victim) =>
        victim.answer(
          self().block({ ...request, piece: (request.piece + 1) % (PIECES - 1), begin: 0, length: BLOCK }),
        ),
    }),
  ],
  [
    'answers with a block that is too short',
    (self) => ({
      request: (request, victim) =>
        victim.answer(self().block(request, { data: data.subarray(0, request.length - 1) })),
    }),
  ],
  [
    'answers with a block that is too long',
    (self) => ({
      request: (request, victim) =>
        victim.answer(self().block(request, { data: Buffer.alloc(request.length + 16 * KIB) })),
    }),
  ],
  [
    'answers with an empty block',
    (self) => ({
      request: (request, victim) => victim.answer(self().block(request, { data: Buffer.alloc(0) })),
    }),
  ],
  [
    'answers from off the grid',
    (self) => ({
      request: (request, victim) => victim.answer(self().block(request, { begin: 1 })),
    }),
  ],
  [
    'answers from a piece that does not exist',
    (self) => ({
      request: (request, victim) => victim.answer(self().block(request, { piece: 0xffff_ffff })),
    }),
  ],
  [
    'answers the same request twice',
    (self) => ({
      request: (request, victim) => victim.answer(self().block(request), self().block(request)),
    }),
  ],
  [
    'rejects an unknown request',
    () => ({ ready: (victim) => victim.answer(reject(4_000_000_000)), request: () => undefined }),
  ],
  [
    'sends a block before its bitfield',
    (self) => ({
      greet: (victim) => {
        victim.say(self().hello());
        victim.answer(self().block({ id: 1, piece: 0, begin: 0, length: BLOCK }));
      },
    }),
  ],
  [
    'says hello before its challenge',
    (self) => ({ challenge: (victim) => victim.say(self().hello(), self().bitfield()) }),
  ],
  [
    'challenges twice',
    (self) => ({ challenge: (victim) => victim.say(self().challenge(), self().challenge()) }),
  ],
  [
    'announces a piece that does not exist',
    () => ({ ready: (victim) => victim.say({ $case: 'have', value: { pieces: [1, PIECES] } }) }),
  ],
  [
    'sends a have before its bitfield',
    (self) => ({
      greet: (victim) => victim.say(self().hello(), { $case: 'have', value: { pieces: [1] } }),
    }),
  ],
  [
    'sends a bitfield that is too short',
    (self) => ({
      greet: (victim) =>
        victim.say(self().hello(), { $case: 'bitfield', value: { bits: new Uint8Array(0) } }),
    }),
  ],
  [
    'sends a bitfield with spare bits',
    (self) => ({
      greet: (victim) =>
        victim.say(self().hello(), { $case: 'bitfield', value: { bits: Uint8Array.of(0xff) } }),
    }),
  ],
  ['sends its bitfield before its hello', (self) => ({ greet: (victim) => victim.say(self().bitfield()) })],
  ['sends two bitfields', (self) => ({ ready: (victim) => victim.say(self().bitfield()) })],
  [
    'sends very many messages',
    () => ({
      ready: (victim) => {
        for (let message = 0; message < 3000; message++)
          victim.say({ $case: 'have', value: { pieces: [message % PIECES] } });
      },
      request: () => undefined,
    }),
  ],
  ['says hello twice', (self) => ({ ready: (victim) => victim.say(self().hello()) })],
  ['says hello for another file', () => ({ hello: { infohash: infoHashToBytes(infoHash('ff')) } })],
  [
    'sends a message of more than 1 MiB',
    (self) => ({
      request: (request, victim) => victim.answer(self().block(request, { data: Buffer.alloc(1_100_000) })),
    }),
  ],
];

/** Failures that may happen to an honest peer: its links end, without a strike. */
const misfortunes: [string, Script][] = [
  ['closes its streams at once', { greet: ({ sync }) => void sync.end() }],
  ['fails its streams', { greet: ({ sync }) => void sync.emit('error', { code: 13, details: 'oh no' }) }],
  [
    'says goodbye',
    {
      ready: (victim) => victim.say({ $case: 'goodbye', value: { reason: 'STOPPING', message: 'bye' } }),
    },
  ],
  [
    'says hello as a different peer than the tracker lists',
    { hello: { peerId: peerIdToBytes(peerNamed('somebody else')) } },
  ],
  ['has nothing of what it claims', { request: ({ id }, victim) => victim.answer(reject(id)) }],
  ['chokes and never unchokes', { ready: (victim) => victim.say({ $case: 'choke', value: {} }) }],
  ['closes its streams while it owes blocks', { request: (_, victim: Victim) => victim.fetch?.end() }],
];

const number = fc.oneof(fc.nat(10), fc.constantFrom(PIECES - 1, PIECES, BLOCK, PIECE, 0xffff_ffff));

/** Possible reactions of an uploader to a block request. */
const nonsense = fc.record({
  do: fc.constantFrom(
    ...(['right', 'wrong', 'nothing', 'twice', 'block', 'reject'] as const),
    ...(['have', 'choke', 'unchoke', 'hello', 'bitfield', 'end'] as const),
  ),
  id: number,
  piece: number,
  begin: number,
  length: fc.constantFrom(0, 1, BLOCK),
});
type Nonsense = ReturnType<typeof nonsense.generate>['value'];

function answersTo(
  request: Request,
  act: Nonsense,
  self: HostileUploader,
): ReturnType<HostileUploader['block']>[] {
  const right = self.block(request);
  switch (act.do) {
    case 'right':
      return [right];
    case 'twice':
      return [right, right];
    case 'wrong':
      return [self.block(request, { data: flipped(right.value.data) })];
    case 'block':
      return [self.block(request, { ...act, data: Buffer.alloc(act.length) })];
    case 'reject':
      return [reject(act.id) as never];
    default:
      return [];
  }
}

function newsOf(act: Nonsense, self: HostileUploader): ReturnType<HostileUploader['hello']>[] {
  switch (act.do) {
    case 'have':
      return [{ $case: 'have', value: { pieces: [act.piece] } }];
    case 'choke':
    case 'unchoke':
      return [{ $case: act.do, value: {} }];
    case 'hello':
      return [self.hello()];
    case 'bitfield':
      return [self.bitfield()];
    default:
      return [];
  }
}

describe('a download from a hostile uploader and an honest one', () => {
  it.each(breaches)(
    'completes correctly, and only the culprit gets strikes, when one %s',
    async (_, script) => {
      const hostile = await uploader('mallory', script);
      agent.tracker.add(hostile.address);
      const transfer = await agent.download(content.metainfo);
      await waitFor(() => agent.bans.struck.length > 0, { what: 'the strike', everyMs: 5 });
      agent.tracker.add((await uploader('honest')).address);
      expect((await agent.finished(transfer)).equals(data)).toBe(true);
      expect(new Set(agent.bans.struck)).toEqual(new Set([mallory]));
      expect(agent.bans.struck.length).toBeLessThanOrEqual(hostile.visits); // Once for each violation.
    },
  );

  it.each(misfortunes)('completes correctly, and no peer is punished, when one %s', async (_, script) => {
    const hostile = await uploader('mallory', script);
    agent.tracker.add(hostile.address);
    const transfer = await agent.download(content.metainfo);
    await waitFor(() => hostile.visits > 0, { what: 'a visit', everyMs: 5 });
    agent.tracker.add((await uploader('honest')).address);
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(agent.bans.struck).toEqual([]);
    expect(agent.bans.banned).toEqual([]);
  });

  it('bans with the third violation, and does not reconnect', async () => {
    const hostile = await uploader('mallory', (self) => ({
      ready: (victim) => victim.say(self().hello()),
    }));
    agent.tracker.add(hostile.address);
    const transfer = await agent.download(content.metainfo);
    await waitFor(() => agent.bans.banned.length > 0, { what: 'the ban' });
    expect(hostile.visits).toBe(3);
    agent.tracker.add(hostile.address, (await uploader('honest')).address);
    await agent.finished(transfer);
    expect(hostile.visits).toBe(3);
    expect(agent.bans.banned).toEqual([mallory]);
  });

  it('parks the sole sender of bad data, bans it the third time, and discards the data', async () => {
    const hostile = await uploader('mallory', (self) => ({
      request: (request, victim) => {
        victim.answer(self().block(request, { data: flipped(self().block(request).value.data) }));
      },
    }));
    agent.tracker.add(hostile.address);
    const transfer = await agent.download(content.metainfo);
    await waitFor(() => agent.bans.banned.length > 0, { what: 'the ban' });
    expect(transfer.view().donePieceCount).toBe(0);
    agent.tracker.add((await uploader('honest')).address);
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(agent.bans.banned).toEqual([mallory]);
    expect(agent.bans.blamed).toEqual([mallory, mallory, mallory]);
    expect(hostile.visits).toBe(3);
    expect(transfer.record.wastedBytes).toBeGreaterThan(0);
    // Data in flight each time.
    expect(transfer.record.wastedBytes).toBeLessThanOrEqual(3 * data.length);
  });

  it('finds the sender of bad data among several senders of a piece', async () => {
    // A single piece of 24 blocks: all three peers work on it.
    const large = bytesOf(24 * BLOCK);
    const of = { data: large, metainfo: metainfoOf(large, 32 * BLOCK) };
    const pace =
      (script: (self: () => HostileUploader) => NonNullable<Script['request']>) =>
      (self: () => HostileUploader): Script => ({
        request: (request, victim) =>
          void setTimeout(() => script(self)(request, victim), 10 + 5 * (request.id % 8)),
      });
    const honest = pace((self) => (request, victim) => victim.answer(self().block(request)));
    const hostile = pace((self) => (request, victim) => {
      victim.answer(self().block(request, { data: flipped(self().block(request).value.data) }));
    });
    const all = [
      await uploader('alice', honest, of),
      await uploader('mallory', hostile, of),
      await uploader('bob', honest, of),
    ];
    agent.tracker.add(...all.map(({ address }) => address));
    const transfer = await agent.download(of.metainfo);
    expect((await agent.finished(transfer)).equals(large)).toBe(true);
    expect(all.every(({ requests }) => requests > 0)).toBe(true);
    expect(agent.bans.blamed).toEqual([mallory]);
    expect(agent.bans.struck).toEqual([]);
  });

  it('does not wait for one that accepts requests and never answers', async () => {
    const silent = await uploader('silent', { request: () => undefined });
    agent.tracker.add(silent.address);
    const transfer = await agent.download(content.metainfo);
    await waitFor(() => silent.requests > 0, { what: 'requests', everyMs: 5 });
    agent.tracker.add((await uploader('honest')).address);
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(agent.bans.struck).toEqual([]);
  });

  it('gives up on one that never says hello, and reports why it waits', async () => {
    const { restore } = shortenTimers(HELLO_TIMEOUT_MS, 100);
    const silent = await uploader('silent', { greet: () => undefined });
    agent.tracker.add(silent.address);
    const transfer = await agent.download(content.metainfo);
    const reason = await waitFor(
      () => (transfer.view().message.includes('hello') ? transfer.view().message : undefined),
      { what: 'the reason' },
    );
    restore();
    expect(reason).toContain(`silent at ${silent.address.endpoint}`);
    agent.tracker.add((await uploader('honest')).address);
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(agent.bans.struck).toEqual([]);
  });

  it('completes correctly, and the honest one is not punished, whatever the other sends', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(nonsense, { minLength: 1, maxLength: 8 }), async (acts) => {
        const victim = await DownloadAgent.start();
        const greeted: Victim[] = [];
        let turn = 0;
        const hostile = await uploader('mallory', (self) => ({
          ready: (link) => void greeted.push(link),
          request: (request, link) => {
            const act = acts[turn++ % acts.length]!;
            link.answer(...answersTo(request, act, self()));
            greeted.at(-1)?.say(...newsOf(act, self()));
            if (act.do === 'end') link.fetch?.end();
          },
        }));
        const honest = await uploader('honest');
        victim.tracker.add(hostile.address);
        const transfer = await victim.download(content.metainfo);
        await waitFor(() => hostile.requests > 0, { what: 'a request', everyMs: 2 });
        victim.tracker.add(honest.address);
        const file = await victim.finished(transfer);
        const punished = [...victim.bans.struck, ...victim.bans.blamed, ...victim.bans.banned];
        await victim.stop();
        expect(file.equals(data)).toBe(true);
        expect(punished.filter((peer) => peer !== mallory)).toEqual([]);
      }),
      { numRuns: 15 },
    );
  }, 60_000);
});

describe('a search for metainfo', () => {
  it('does not ask a peer again that sent a false one, whatever snapshots list it', async () => {
    const other = metainfoOf(bytesOf(5000, 2), 16 * KIB);
    let [lies, refusals] = [0, 0];
    const { address: liar } = await uploader('mallory', {
      metainfo: (call) => {
        lies += 1;
        call.write({ totalLength: other.bytes.length, chunk: other.bytes });
        call.end();
      },
    });
    const { address: refusing } = await uploader('refusing', {
      metainfo: (call) => {
        refusals += 1;
        call.emit('error', { code: 14, details: 'not now' });
      },
    });
    agent.tracker.add(liar, refusing);
    const transfer = await agent.resolve(content.metainfo);
    const seen = () => `${lies} lies, ${refusals} refusals; ${transfer.view().message}`;
    for (let round = 1; round <= 4; round++) {
      await waitFor(() => lies > 0 && refusals >= round, { what: `refusal ${round}`, seen });
      agent.tracker.widen(content.metainfo.infohash);
    }
    expect(lies).toBeLessThanOrEqual(2);
    agent.tracker.add((await uploader('honest')).address);
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
  });
});

describe('GrpcPeerConnector.fetchMetainfo', () => {
  const { bytes, infohash } = content.metainfo;
  const other = metainfoOf(bytesOf(5000, 2), 16 * KIB);
  const fetchFrom = (address: PeerAddress): Promise<Metainfo> =>
    agent.connector.fetchMetainfo(address, infohash, new AbortController().signal);

  it('returns the metainfo, in however many chunks it arrives', async () => {
    const { address } = await uploader('honest', {
      metainfo: (call) => {
        for (let at = 0; at < bytes.length; at += 7)
          call.write({ totalLength: bytes.length, chunk: bytes.subarray(at, at + 7) });
        call.end();
      },
    });
    expect((await fetchFrom(address)).bytes.equals(bytes)).toBe(true);
  });

  it.each([
    ['that of another file', [{ totalLength: other.bytes.length, chunk: other.bytes }]],
    ['cut short', [{ totalLength: bytes.length, chunk: bytes.subarray(0, -1) }]],
    ['with one bit wrong', [{ totalLength: bytes.length, chunk: flipped(bytes) }]],
    ['longer than it says', [{ totalLength: 10, chunk: bytes }]],
    ['nothing', []],
  ])('refuses metainfo that is %s', async (_, chunks) => {
    const { address } = await uploader('mallory', {
      metainfo: (call) => {
        for (const chunk of chunks) call.write(chunk);
        call.end();
      },
    });
    await expect(fetchFrom(address)).rejects.toMatchObject({ code: 'invalid' });
  });

  it('reports a false answer at one address though the peer answers at no other', async () => {
    const silent = await uploader('gone');
    silent.stop();
    const { address } = await uploader('mallory', {
      metainfo: (call) => {
        call.write({ totalLength: other.bytes.length, chunk: other.bytes });
        call.end();
      },
    });
    const endpoints = [silent.address.endpoint, address.endpoint];
    await expect(fetchFrom({ ...address, endpoints })).rejects.toMatchObject({ reason: 'BAD_METAINFO' });
  });

  it('dials a peer that claims sixteen addresses at four per round, and finally reaches it at the last', async () => {
    const silent = await Promise.all(Array.from({ length: 15 }, (_, at) => SilentPeer.start(`${at}`, 'tcp')));
    uploaders.push(...silent);
    const { address } = await uploader('honest');
    const endpoints = [...silent.map(({ address: { endpoint } }) => endpoint), address.endpoint];
    const visited = (): number => silent.filter(({ visits }) => visits > 0).length;
    const fetch = (signal: AbortSignal): Promise<Metainfo> =>
      agent.connector.fetchMetainfo({ ...address, endpoints }, infohash, signal);
    for (let round = 1; round <= 3; round++) {
      const abort = new AbortController();
      const fetching = fetch(abort.signal).catch(() => undefined);
      await waitFor(() => visited() === 4 * round, { what: `round ${round}`, seen: visited });
      // The time in which one more would be dialed.
      await sleep(2 * ATTEMPT_DELAY_MS, abort.signal);
      expect(visited()).toBe(4 * round);
      abort.abort();
      await fetching;
    }
    expect((await fetch(new AbortController().signal)).infohash).toBe(infohash);
  });

  it('refuses metainfo that is too long: 64 MiB at most', async () => {
    const sent: number[] = [];
    const { address } = await uploader('mallory', {
      metainfo: (call) => {
        const more = (): void => {
          sent.push(1);
          if (!call.cancelled)
            call.write({ totalLength: (64 << 20) + 1, chunk: Buffer.alloc(900_000) }, more);
        };
        more();
      },
    });
    await expect(fetchFrom(address)).rejects.toMatchObject({ code: 'invalid', reason: 'BAD_METAINFO' });
    expect(sent.length).toBeLessThan(20);
  });

  it('refuses more metainfo than was announced', async () => {
    const { address } = await uploader('mallory', {
      metainfo: (call) => {
        const more = (): void => {
          if (!call.cancelled) call.write({ totalLength: 3_000_000, chunk: Buffer.alloc(900_000) }, more);
        };
        more();
      },
    });
    await expect(fetchFrom(address)).rejects.toMatchObject({ code: 'invalid', reason: 'BAD_METAINFO' });
  });

  it('stops when it is aborted', async () => {
    const { address } = await uploader('silent', { metainfo: () => undefined });
    const abort = new AbortController();
    const fetching = agent.connector.fetchMetainfo(address, infohash, abort.signal);
    abort.abort();
    await expect(fetching).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('reports that no peer answers at an address', async () => {
    const gone = await uploader('gone');
    gone.stop();
    await expect(fetchFrom(gone.address)).rejects.toMatchObject({
      code: 'unavailable',
    });
  });
});
