import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import {
  AnnounceEvent,
  ConnectRequest,
  ConnectResponse,
  TrackerServiceService,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';

const FILE = { name: 'model.bin', sizeBytes: 1_000_000_000n, pieceLength: 1_048_576n, fileCount: 1 };
/** Number of different announces that an agent sends in turn. */
const VARIANTS = 64;
/** Prefix of each gRPC message: the compression flag, and the length. */
const HEADER_BYTES = 5;

/** The infohash of swarm `number` of a benchmark. */
export function infohashOf(number: number): Buffer {
  const infohash = Buffer.alloc(32, 0xe5);
  infohash.writeUInt32BE(number);
  return infohash;
}

/**
 * One agent's session with a tracker over plain HTTP/2: with a gRPC client a message
 * costs its sender three times what it costs the tracker, and its announces are encoded
 * beforehand for the same reason.
 */
export class TrackerAgent {
  readonly #announces: readonly Buffer[];

  private constructor(
    private readonly stream: ClientHttp2Stream,
    swarm: number,
  ) {
    this.#announces = [...Array(VARIANTS).keys()].map((variant) => encodeAnnounce(swarm, variant));
  }

  /** Resolves after the tracker's Welcome, as a member of `swarm`; with `watch` it receives the peers of the swarm. */
  static async connect(session: ClientHttp2Session, swarm: number, watch: boolean): Promise<TrackerAgent> {
    const stream = session.request({
      ...{ ':method': 'POST', ':path': TrackerServiceService.connect.path },
      ...{ 'content-type': 'application/grpc', te: 'trailers' },
    });
    const agent = new TrackerAgent(stream, swarm);
    await agent.#greet();
    stream.resume();
    agent.announce(0);
    if (watch) {
      const value = { infohash: infohashOf(swarm), maxPeers: 0 };
      stream.write(encode({ sequence: 0n, message: { $case: 'watch', value } }));
    }
    return agent;
  }

  /** Announces progress. Returns false if the caller should wait for {@link drained}. */
  announce(number: number): boolean {
    return this.stream.write(this.#announces[number % VARIANTS] ?? Buffer.alloc(0));
  }

  drained(): Promise<void> {
    return new Promise((resolve) => this.stream.once('drain', resolve));
  }

  async #greet(): Promise<void> {
    const identity = PeerIdentity.generate();
    let received: Buffer = Buffer.alloc(0);
    await new Promise<void>((resolve, reject) => {
      this.stream.once('close', () => reject(new Error('the tracker ended a session')));
      this.stream.on('error', reject);
      this.stream.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        for (let frame = frameOf(received); frame; frame = frameOf(received)) {
          received = received.subarray(HEADER_BYTES + frame.length);
          const { message } = ConnectResponse.decode(frame);
          if (message?.$case === 'challenge') this.stream.write(encodeHello(identity, message.value.nonce));
          else if (message?.$case === 'welcome') resolve();
        }
      });
    });
    this.stream.removeAllListeners('data');
  }
}

/** The first message in the received bytes, if it is complete; a flag and its length precede it. */
function frameOf(received: Buffer): Buffer | undefined {
  if (received.length < HEADER_BYTES) return undefined;
  const length = received.readUInt32BE(1);
  if (received.length < HEADER_BYTES + length) return undefined;
  return received.subarray(HEADER_BYTES, HEADER_BYTES + length);
}

function encodeHello(identity: PeerIdentity, nonce: Uint8Array): Buffer {
  const value = {
    publicKey: identity.publicKey,
    signature: identity.signHello('tracker', nonce),
    ...{ name: 'bench', endpoint: '127.0.0.1:7072', endpoints: [], labels: {}, version: 'bench', epoch: 0n },
  };
  return encode({ sequence: 0n, message: { $case: 'hello', value } });
}

function encodeAnnounce(swarm: number, variant: number): Buffer {
  const done = BigInt(variant) * FILE.pieceLength;
  const value = {
    ...{ infohash: infohashOf(swarm), event: AnnounceEvent.UNSPECIFIED, leftBytes: FILE.sizeBytes - done },
    ...{
      downloadedBytes: done,
      uploadedBytes: done / 2n,
      file: FILE,
      reason: '',
      message: '',
      publications: [],
    },
  };
  return encode({ sequence: BigInt(variant + 1), message: { $case: 'announce', value } });
}

function encode(request: ConnectRequest): Buffer {
  const message = ConnectRequest.encode(request).finish();
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}
