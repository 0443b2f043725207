import { CHANNEL_OPTIONS } from '@enjambre/common/grpc/client';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import {
  AnnounceEvent,
  ConnectRequest,
  ConnectResponse,
  TrackerServiceService,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { Client, credentials, type ClientDuplexStream } from '@grpc/grpc-js';

const FILE = { name: 'model.bin', size: 1_000_000_000n, pieceLength: 1_048_576n, fileCount: 1 };
/** An agent's announces differ; these many in turn are enough for that. */
const VARIANTS = 64;

/** The infohash of swarm `number` of a benchmark. */
export function infohashOf(number: number): Buffer {
  const infohash = Buffer.alloc(32, 0xe5);
  infohash.writeUInt32BE(number);
  return infohash;
}

/** Opens a connection that agents may share. */
export function openConnection(address: string): Client {
  return new Client(address, credentials.createInsecure(), {
    ...CHANNEL_OPTIONS,
    'grpc.use_local_subchannel_pool': 1,
  });
}

/** One agent's session with a tracker. Its announces are encoded beforehand: it is to cost the tracker, not the load. */
export class TrackerAgent {
  readonly #announces: readonly Buffer[];

  private constructor(
    private readonly stream: ClientDuplexStream<Buffer, ConnectResponse>,
    swarm: number,
  ) {
    this.#announces = [...Array(VARIANTS).keys()].map((variant) => encodeAnnounce(swarm, variant));
  }

  /** Resolves when the tracker has welcomed it; it is then a member of `swarm`. With `watch` it hears of its peers. */
  static async connect(client: Client, swarm: number, watch: boolean): Promise<TrackerAgent> {
    const identity = PeerIdentity.generate();
    const stream = client.makeBidiStreamRequest(
      TrackerServiceService.connect.path,
      (message: Buffer) => message,
      (bytes) => ConnectResponse.decode(bytes),
    );
    const agent = new TrackerAgent(stream, swarm);
    await new Promise<void>((resolve, reject) => {
      stream.on('error', reject);
      stream.on('data', ({ message }: ConnectResponse) => {
        if (message?.$case === 'challenge') stream.write(encodeHello(identity, message.value.nonce));
        else if (message?.$case === 'welcome') resolve();
        else if (message?.$case === 'problem') reject(new Error(message.value.message));
      });
    });
    agent.announce(0);
    if (watch) {
      const value = { infohash: infohashOf(swarm), maxPeers: 0 };
      stream.write(encode({ sequence: 0n, message: { $case: 'watch', value } }));
    }
    return agent;
  }

  /** Says how far it is. Returns false when it should wait for {@link drained}. */
  announce(number: number): boolean {
    return this.stream.write(this.#announces[number % VARIANTS] ?? Buffer.alloc(0));
  }

  drained(): Promise<void> {
    return new Promise((resolve) => this.stream.once('drain', resolve));
  }
}

function encodeHello(identity: PeerIdentity, nonce: Uint8Array): Buffer {
  const value = {
    publicKey: identity.publicKey,
    signature: identity.signHello('tracker', nonce),
    ...{ name: 'bench', endpoint: '127.0.0.1:7072', labels: {}, version: 'bench' },
  };
  return encode({ sequence: 0n, message: { $case: 'hello', value } });
}

function encodeAnnounce(swarm: number, variant: number): Buffer {
  const done = BigInt(variant) * FILE.pieceLength;
  const value = {
    ...{ infohash: infohashOf(swarm), event: AnnounceEvent.UNSPECIFIED, bytesLeft: FILE.size - done },
    ...{ bytesDownloaded: done, bytesUploaded: done / 2n, file: FILE, reason: '' },
  };
  return encode({ sequence: BigInt(variant + 1), message: { $case: 'announce', value } });
}

function encode(request: ConnectRequest): Buffer {
  return Buffer.from(ConnectRequest.encode(request).finish());
}
