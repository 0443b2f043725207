import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { PieceLayout } from '@enjambre/core/layout';
import { parseMetainfo } from '@enjambre/core/metainfo-parse';
import { frame, FrameType } from '@enjambre/rpc/http2/frames';
import { isUnderWay, type Attack, type Run } from '../attack.js';
import { HostilePeer, sendMetainfo, type HostileScript } from '../hostile-peer.js';
import { expensiveTorrent, hiddenTorrent, manyPieces } from '../hostile-torrents.js';
import { reach } from '../reach.js';
import { connectTracker } from '../sessions.js';

/** Sessions that are opened before the next wait: an attacker needs no more. */
const SESSIONS_A_CONNECTION = 50;
const DRIP_MS = 1000;
/** Bytes of frames that serve no stream, written at a time. */
const FLOOD_BYTES = 1 << 20;

/** Seeders of the honest file that accept connections and never answer. */
export const fakeSeeders: Attack = async (run) => {
  await inSwarm(run, await silentEndpoints(run, run.count));
  await forever(run);
};

/** Seeders of the honest file that send a byte of metainfo each second. */
export const drippingSeeders: Attack = async (run) => {
  const peers: HostilePeer[] = [];
  const metainfo: HostileScript['metainfo'] = (call) => {
    const timer = setInterval(() => call.write({ totalLength: 1 << 20, chunk: Buffer.alloc(1) }), DRIP_MS);
    call.on('error', () => undefined);
    call.on('cancelled', () => clearInterval(timer));
  };
  const script = { ...honestScript(run), metainfo };
  for (let number = 0; number < run.count; number++)
    peers.push(await HostilePeer.start(run.from, script, run.tally));
  await inSwarm(run, peers.map(asMember));
  await forever(run);
};

/** A seeder of the honest file with large metainfo of another file, which is slow to parse. */
export const wrongMetainfo: Attack = async (run) => {
  const bytes = expensiveTorrent();
  const script: HostileScript = {
    ...honestScript(run),
    metainfo: (call) => sendMetainfo(call, bytes),
  };
  const peers: HostilePeer[] = [];
  for (let number = 0; number < run.count; number++)
    peers.push(await HostilePeer.start(run.from, script, run.tally));
  await inSwarm(run, peers.map(asMember));
  await forever(run);
};

/** A seeder that answers each request with wrong bytes. */
export const poisoner: Attack = async (run) => {
  const script = {
    ...(await contentScript(run)),
    block: ({ length }: { length: number }) => randomBytes(length),
  };
  const peers: HostilePeer[] = [];
  for (let number = 0; number < run.count; number++)
    peers.push(await HostilePeer.start(run.from, script, run.tally));
  await inSwarm(run, peers.map(asMember));
  await forever(run);
};

/** Uploaders that send frames which serve no open stream, as fast as they are read. */
export const hostileFrames: Attack = async (run) => {
  const script = await contentScript(run);
  const peers: HostilePeer[] = [];
  for (const [kind, flood] of Object.entries(floods())) {
    const greeted: HostileScript['greeted'] = (socket) => {
      if (socket.listenerCount('drain') > 2) return;
      const write = (): void => {
        while (socket.writable && isUnderWay(run)) {
          run.tally.fact(`MiB of ${kind}`);
          if (!socket.write(flood)) return;
        }
      };
      socket.on('drain', write);
      write();
    };
    peers.push(await HostilePeer.start(run.from, { ...script, greeted }, run.tally));
  }
  await inSwarm(run, peers.map(asMember));
  await forever(run);
};

function floods(): Readonly<Record<string, Buffer>> {
  const repeated = (bytes: Buffer): Buffer =>
    Buffer.concat(Array.from({ length: Math.floor(FLOOD_BYTES / bytes.length) }, () => bytes));
  return {
    DATA: repeated(frame({ type: FrameType.data, flags: 0, stream: 9999 }, Buffer.alloc(16_384))),
    HEADERS: repeated(frame({ type: FrameType.headers, flags: 4, stream: 9999 }, Buffer.from([0x88]))),
    PING: repeated(frame({ type: FrameType.ping, flags: 0, stream: 0 }, Buffer.alloc(8))),
    PRIORITY: repeated(frame({ type: 2, flags: 0, stream: 9999 }, Buffer.alloc(5))),
  };
}

/** Seeder of a torrent of its own, of billions of pieces in 5 MB. Announces it as "pieces.bin". */
export const metainfoPieces: Attack = (run) => seedOwn(run, manyPieces(), 'pieces.bin');

/** Seeder of a torrent named ".ssh", which the catalogue knows as "report.pdf". */
export const hiddenNames: Attack = (run) => seedOwn(run, hiddenTorrent(), 'report.pdf');

async function seedOwn(
  run: Run,
  torrent: { readonly bytes: Buffer; readonly infohash: Buffer; readonly content: Buffer },
  name: string,
): Promise<void> {
  const { tally, from, targets } = run;
  const peer = await HostilePeer.start(
    from,
    {
      infohash: torrent.infohash,
      pieces: 1,
      metainfo: (call) => sendMetainfo(call, torrent.bytes),
      block: ({ begin, length }) => torrent.content.subarray(begin, begin + length),
    },
    tally,
  );
  const connection = await reach(run, targets.tracker);
  const { identity, endpoint } = peer;
  const session = connection && (await connectTracker(connection, tally, { identity, endpoint }));
  const file = { name, sizeBytes: BigInt(torrent.content.length), pieceLength: 16_384n, fileCount: 1 };
  session?.say({
    $case: 'share',
    value: { infohash: torrent.infohash, file, restated: false, publications: [] },
  });
  await forever(run);
}

/** What the attacker's sessions announce: a seeder each. */
interface Member {
  readonly endpoint: string;
  readonly peer?: HostilePeer;
}

function asMember(peer: HostilePeer): Member {
  return { endpoint: peer.endpoint, peer };
}

/** Joins the swarm of the honest file with a session for each member. */
export async function inSwarm(run: Run, members: readonly Member[]): Promise<void> {
  const { targets, tally } = run;
  const infohash = Buffer.from(targets.infohash, 'hex');
  const { name, pieceLength, files } = parseMetainfo(await readFile(targets.metainfo));
  const sizeBytes = BigInt(files.reduce((sum, { length }) => sum + length, 0));
  const file = { name, sizeBytes, pieceLength: BigInt(pieceLength), fileCount: files.length };
  let connection = await reach(run, targets.tracker);
  for (const [number, { endpoint, peer }] of members.entries()) {
    if (!isUnderWay(run)) return;
    if (number > 0 && number % SESSIONS_A_CONNECTION === 0) connection = await reach(run, targets.tracker);
    if (!connection?.isOpen) continue;
    const identity = peer && { identity: peer.identity };
    const session = await connectTracker(connection, tally, { ...identity, endpoint, endpoints: [endpoint] });
    session?.say({ $case: 'share', value: { infohash, file, restated: true, publications: [] } });
  }
}

/** Ports that accept connections and never answer. */
async function silentEndpoints({ from, tally }: Run, count: number): Promise<Member[]> {
  const endpoints: Member[] = [];
  for (let number = 0; number < count; number++) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.resume();
      tally.fact('dials');
      tally.hold('dials in ten seconds');
      setTimeout(() => tally.release('dials in ten seconds'), 10_000).unref();
    });
    await new Promise<void>((resolve) => server.listen(0, from, resolve));
    endpoints.push({ endpoint: `${from}:${(server.address() as AddressInfo).port}` });
  }
  return endpoints;
}

function honestScript({ targets }: Run): HostileScript {
  return {
    infohash: Buffer.from(targets.infohash, 'hex'),
    pieces: 1,
    metainfo: () => undefined,
    block: () => undefined,
  };
}

/** A script with the true metainfo. */
async function contentScript(run: Run): Promise<HostileScript> {
  const bytes = await readFile(run.targets.metainfo);
  const { pieceCount } = new PieceLayout(parseMetainfo(bytes));
  return { ...honestScript(run), pieces: pieceCount, metainfo: (call) => sendMetainfo(call, bytes) };
}

async function forever(run: Run): Promise<void> {
  run.tally.inFullSwing = true;
  while (isUnderWay(run)) await delay(200);
}
