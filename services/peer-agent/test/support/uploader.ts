import { Bitfield } from '@enjambre/core/bitfield';
import type { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { Labels } from '@enjambre/core/labels';
import { PieceLayout } from '@enjambre/core/layout';
import type { Metainfo } from '@enjambre/core/metainfo';
import { dialer } from '@enjambre/harness/dialer';
import { GrpcServer } from '@enjambre/rpc/server';
import { createLogger } from '@enjambre/common/log/logger';
import { PeerServiceClient } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { PLAINTEXT } from '@enjambre/rpc/credentials';
import { MAX_MESSAGE_BYTES } from '../../src/adapters/peer/wire-constants.js';
import { peerService, type UploadLoad } from '../../src/adapters/peer/server/peer-handlers.js';
import { Uploads } from '../../src/app/upload/uploads.js';
import { ComplaintTurns } from '../../src/app/upload/complaint-turns.js';
import { Ledger } from '../../src/app/agent/ledger.js';
import { Meter } from '../../src/app/agent/meter.js';
import { Locality } from '../../src/app/agent/locality.js';
import type { PeerAddress } from '../../src/app/ports/peers.js';
import type { PieceStore } from '../../src/app/ports/piece-store.js';
import type { Offender } from '../../src/app/agent/bans.js';
import { Serving, type ServingDirectory } from '../../src/app/upload/serving.js';
import { NOTHING_COUNTED } from '../../src/domain/transfer-record.js';
import { seededRandom } from '../../src/domain/random.js';
import { FdCache } from '../../src/adapters/disk/fd-cache.js';
import { FileStore } from '../../src/adapters/disk/file-store.js';
import { RateLimiter } from '../../src/domain/limits/rate-limiter.js';
import { TestDiskPool } from './disk-threads.js';
import { peerNamed } from './ids.js';
import { overriding } from './overriding.js';
import { SYSTEM_CLOCK } from '@enjambre/common/async/clock';

/** Reads of a store, observed and optionally blocked. */
class WatchedReads {
  started = 0;
  /** Makes all later reads fail with this error. */
  failure: Error | undefined;
  #gate: Promise<void> | undefined;
  #open: () => void = () => undefined;

  /** Blocks all reads until {@link release}. */
  hold(): void {
    this.#gate = new Promise((resolve) => (this.#open = resolve));
  }

  release(): void {
    this.#gate = undefined;
    this.#open();
  }

  watch(store: PieceStore): PieceStore {
    return overriding(store, { read: (...range) => this.#read(store, range) });
  }

  async #read(store: PieceStore, range: Parameters<PieceStore['read']>): Promise<void> {
    this.started += 1;
    await this.#gate;
    if (this.failure) throw this.failure;
    return store.read(...range);
  }
}

export interface UploaderOptions {
  readonly name?: string;
  /** @default 256 */
  readonly uploadSlots?: number;
  /** Its pieces; all if absent. */
  readonly has?: readonly number[];
  /** Pieces that downloaders are known to have. @default none */
  readonly holds?: (peer: PeerId, piece: number) => boolean;
}

/** The real peer server over a real file, with a directory that records its calls. */
export class Uploader implements ServingDirectory {
  readonly reads = new WatchedReads();
  readonly bans = new Map<PeerId, string>();
  readonly reports: string[] = [];
  /** Faults of the file found while it was served. */
  readonly damages: EnjambreError[] = [];
  readonly #store: FileStore;
  readonly have: Bitfield;
  readonly ledger = new Ledger(NOTHING_COUNTED, {
    locality: new Locality(peerNamed('ledger')),
    meter: new Meter(),
    nowMs: () => SYSTEM_CLOCK.nowMs(),
  });
  /** Its upload limit. */
  readonly limiter = new RateLimiter();
  readonly peerId: PeerId;
  readonly layout: PieceLayout;
  readonly serving: Serving;
  readonly #clients: PeerServiceClient[] = [];
  readonly #pool = new TestDiskPool(1);
  readonly #fds = new FdCache();
  readonly #server: GrpcServer;
  readonly #peers: ReturnType<typeof peerService>;

  private constructor(
    readonly metainfo: Metainfo,
    path: string,
    { name = 'uploader', uploadSlots = 256, has, holds }: UploaderOptions,
  ) {
    const log = createLogger({ name, level: 'silent' });
    this.peerId = peerNamed(name);
    this.layout = new PieceLayout(metainfo);
    this.have = has ? Bitfield.empty(this.layout.pieceCount) : Bitfield.full(this.layout.pieceCount);
    for (const piece of has ?? []) this.have.set(piece);
    this.#store = new FileStore({ pool: this.#pool, fds: this.#fds }, { metainfo, path });
    this.serving = new Serving({
      clock: SYSTEM_CLOCK,
      metainfo,
      layout: this.layout,
      have: this.have,
      store: this.reads.watch(this.#store),
      ledger: this.ledger,
      random: seededRandom(1),
      share: this.limiter.share(),
      damaged: (error) => this.damages.push(error),
      turns: new ComplaintTurns(SYSTEM_CLOCK),
      ...(holds && { holds }),
    });
    const self = { peerId: this.peerId, name, version: 'test' };
    const uploads = new Uploads({ clock: SYSTEM_CLOCK, log }, { slots: uploadSlots });
    this.#peers = peerService({ directory: this, uploads, self, log });
    this.#server = new GrpcServer({
      credentials: PLAINTEXT,
      listen: { kind: 'tcp', host: '127.0.0.1', port: 0 },
      services: [this.#peers],
      maxReceiveBytes: MAX_MESSAGE_BYTES,
      graceMs: 50,
      log,
    });
  }

  static async start(metainfo: Metainfo, path: string, options: UploaderOptions = {}): Promise<Uploader> {
    const uploader = new Uploader(metainfo, path, options);
    await uploader.#server.start();
    return uploader;
  }

  get endpoint(): string {
    const { address } = this.#server;
    return address.kind === 'tcp' ? `127.0.0.1:${address.port}` : '';
  }

  /** Current load of its uploads. */
  get load(): UploadLoad {
    return this.#peers.uploadLoad();
  }

  /** Its address as listed by a tracker. */
  named(labels: Labels = {}): PeerAddress {
    return { peerId: this.peerId, name: 'uploader', endpoint: this.endpoint, seeder: true, labels };
  }

  find(infohash: InfoHash): Serving | undefined {
    return infohash === this.metainfo.infohash ? this.serving : undefined;
  }

  banReason(peer: PeerId): string | undefined {
    return this.bans.get(peer);
  }

  report({ peerId }: Offender, breach: string): void {
    this.reports.push(`${peerId}: ${breach}`);
  }

  /** Seals the file: it must not change from now on. */
  async seal(): Promise<void> {
    await this.#store.seal();
  }

  /** A client on its own connection. */
  client(): PeerServiceClient {
    const client = dialer.client(PeerServiceClient, this.endpoint, 'agent', {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_send_message_length': -1,
    });
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    this.reads.release();
    this.serving.stop('the test is over');
    await this.#server.stop();
    await this.#fds.close();
    await this.#pool.stop();
  }
}
