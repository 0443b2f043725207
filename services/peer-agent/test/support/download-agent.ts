import { readFile } from 'node:fs/promises';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { createLogger, type Logger } from '@enjambre/common/log/logger';
import { waitFor } from '@enjambre/harness/wait-for';
import type { PeerId } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import { dialer } from '@enjambre/harness/dialer';
import { DiskContentHasher } from '../../src/adapters/disk/content-hasher.js';
import { SYSTEM_FILES, type DiskFiles } from '../../src/adapters/disk/disk-files.js';
import type { DiskPool } from '../../src/adapters/disk/disk-pool.js';
import { FdCache } from '../../src/adapters/disk/fd-cache.js';
import { PrivateFolders } from '../../src/adapters/disk/private-folders.js';
import { FileStoreFactory } from '../../src/adapters/disk/store-factory.js';
import { EndpointGuard } from '../../src/adapters/peer/client/endpoint-guard.js';
import { GrpcPeerConnector } from '../../src/adapters/peer/client/peer-connector.js';
import { BansFile } from '../../src/adapters/state/bans-file.js';
import { DataFolder } from '../../src/adapters/state/data-folder.js';
import { PublishedFile } from '../../src/adapters/state/published-file.js';
import { Bans, type Offender } from '../../src/app/agent/bans.js';
import { ComplaintTurns } from '../../src/app/upload/complaint-turns.js';
import { findLeftover } from '../../src/app/transfer/leftover.js';
import { AgentLimits } from '../../src/app/agent/limits.js';
import { Locality } from '../../src/app/agent/locality.js';
import { Meter } from '../../src/app/agent/meter.js';
import type { StoreFactory } from '../../src/app/ports/store-factory.js';
import type { TransferArchive } from '../../src/app/ports/archives.js';
import type { Transfer } from '../../src/app/transfer/transfer.js';
import type { DownloadOptions } from '../../src/app/transfer/transfer-options.js';
import { Transfers } from '../../src/app/transfer/transfers.js';
import type { Warning } from '../../src/domain/ban-list.js';
import { OutstandingBudget } from '../../src/domain/download/outstanding-budget.js';
import { NO_LIMITS } from '../../src/domain/limits/limit-settings.js';
import { SEED_FOREVER } from '../../src/domain/limits/seed-limits.js';
import { seededRandom } from '../../src/domain/random.js';
import { TestDiskPool } from './disk-threads.js';
import { TestFolder } from './folder.js';
import { MemoryTracker } from './memory-tracker.js';
import { SYSTEM_CLOCK } from '@enjambre/common/async/clock';

/** Records the peers it punished. */
class WatchedBans extends Bans {
  readonly struck: PeerId[] = [];

  /** Banned peers, in order. */
  get banned(): PeerId[] {
    return this.list()
      .reverse()
      .map(({ peerId }) => peerId);
  }

  /** Senders of bad pieces, in order. */
  readonly blamed: PeerId[] = [];

  override offend(offender: Offender, reason: string): Warning {
    this.blamed.push(offender.peerId);
    return super.offend(offender, reason);
  }

  override strike(offender: Offender, breach: string): Warning {
    this.struck.push(offender.peerId);
    return super.strike(offender, breach);
  }
}

/** Parts of an agent that a test replaces. */
export interface AgentParts {
  /** Wraps the agent's data folder. */
  readonly archive?: (archive: TransferArchive) => TransferArchive;
  /** Wraps the agent's files. */
  readonly stores?: (stores: StoreFactory) => StoreFactory;
  /** Replaces calls of its file system. */
  readonly files?: Partial<DiskFiles>;
  readonly log?: Logger;
  readonly pool?: DiskPool;
  readonly budget?: OutstandingBudget;
  readonly checkpointMs?: number;
  /** See {@link FileStoreFactory}. */
  readonly silentMs?: number;
  /** @default 50 */
  readonly missingLookMs?: number;
}

/** A complete downloading agent, except for its servers and its tracker. */
export class DownloadAgent {
  readonly tracker = new MemoryTracker();
  readonly bans: WatchedBans;
  readonly transfers: Transfers;
  readonly identity = PeerIdentity.generate();
  readonly connector = new GrpcPeerConnector({
    self: { peerId: this.identity.peerId, name: 'agent', version: 'test' },
    signer: this.identity,
    dialer,
    guard: new EndpointGuard({ servers: () => [], trackerIsHere: () => true }),
  });
  readonly archive: TransferArchive;
  readonly limits = new AgentLimits(SYSTEM_CLOCK, NO_LIMITS, SEED_FOREVER);
  readonly locality = new Locality(this.identity.peerId);
  readonly hasher: DiskContentHasher;
  readonly #pool: DiskPool;
  readonly #fds = new FdCache();
  readonly #data: DataFolder;

  private constructor(
    readonly folder: TestFolder,
    replaced: AgentParts,
  ) {
    const clock = SYSTEM_CLOCK;
    this.#pool = replaced.pool ?? new TestDiskPool(1);
    const log = replaced.log ?? createLogger({ name: 'agent', level: 'silent' });
    const files = { ...SYSTEM_FILES, ...replaced.files };
    const folders = { dataDir: folder.at('data'), downloadDir: folder.at('downloads') };
    const privates = new PrivateFolders(folders);
    const { silentMs = 5000 } = replaced;
    const components = { pool: this.#pool, fds: this.#fds, files, privates, silentMs };
    const disk = new FileStoreFactory(components, 'a'.repeat(64));
    const stores = replaced.stores?.(disk) ?? disk;
    const findDownload = (metainfo: Metainfo): Promise<string | undefined> =>
      findLeftover(metainfo, folder.at('downloads'), stores);
    this.#data = new DataFolder(folder.at('data'), log, { findDownload });
    this.bans = new WatchedBans({
      clock,
      archive: new BansFile(folder.at('data'), log),
      tracker: this.tracker,
      log,
    });
    const { tracker, bans, connector } = this;
    const hasher = new DiskContentHasher(this.#pool, privates);
    this.hasher = hasher;
    const random = seededRandom(1);
    const budget = replaced.budget ?? new OutstandingBudget();
    const { checkpointMs, missingLookMs = 50 } = replaced;
    const checkpoints = checkpointMs === undefined ? {} : { checkpointMs };
    const archive = replaced.archive?.(this.#data) ?? this.#data;
    this.archive = archive;
    const { limits, locality } = this;
    const meter = new Meter();
    const swarm = { clock, connector, hasher, tracker, bans, budget, limits, locality, meter };
    const signer = { sign: () => 'c2lnbmVk' };
    const numbers = new PublishedFile(folder.at('data'), log);
    const parts = { archive, stores, ...swarm, random, signer, numbers, log };
    this.transfers = new Transfers(
      { ...parts, ...checkpoints, missingLookMs, turns: new ComplaintTurns(clock) },
      { downloadDir: folder.at('downloads') },
    );
  }

  static async start(folder?: TestFolder, replaced: AgentParts = {}): Promise<DownloadAgent> {
    const agent = new DownloadAgent(folder ?? (await TestFolder.make()), replaced);
    await agent.#data.start();
    await agent.bans.start();
    await agent.transfers.start();
    return agent;
  }

  async download(metainfo: Metainfo, options: Partial<DownloadOptions> = {}): Promise<Transfer> {
    const source = { kind: 'metainfo', bytes: metainfo.bytes } as const;
    const { transfer } = await this.transfers.download(source, { outputDir: '', ...options });
    return transfer;
  }

  /** Downloads without metainfo, which must come from the swarm. */
  async resolve(metainfo: Metainfo, options: Partial<DownloadOptions> = {}): Promise<Transfer> {
    const { infohash, name, totalLength, pieceLength, files } = metainfo;
    this.tracker.files.push({
      infohash,
      name,
      size: totalLength,
      pieceLength,
      fileCount: files.length,
      publications: [],
      superseded: false,
      disputed: false,
    });
    const source = { kind: 'ref', ref: infohash } as const;
    const { transfer } = await this.transfers.download(source, { outputDir: '', ...options });
    return transfer;
  }

  /** Waits until a download is complete, and reads the file. */
  async finished(transfer: Transfer): Promise<Buffer> {
    await waitFor(() => transfer.state === 'seeding', {
      what: `${transfer.name} to be complete`,
      everyMs: 5,
    });
    return readFile(this.folder.at('downloads', transfer.name));
  }

  async stop(): Promise<void> {
    await this.halt();
    await this.folder.remove();
  }

  /** Stops the agent; its folders remain for another one. */
  async halt(): Promise<void> {
    await this.transfers.stop();
    await this.connector.close();
    await this.bans.stop();
    await this.#fds.close();
    await this.#pool.stop();
    await this.#data.stop();
  }
}
