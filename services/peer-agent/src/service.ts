import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { formatAddress, type Address, type TcpAddress } from '@enjambre/common/config/address';
import { addHealth } from '@enjambre/rpc/health-server';
import { credentialsFrom } from '@enjambre/rpc/tls-credentials';
import type { ProgramTls } from '@enjambre/common/trust/program-tls';
import { metricsTlsOf } from '@enjambre/common/config/tls-options';
import { TlsWatch } from '@enjambre/common/trust/tls-watch';
import { Dialer } from '@enjambre/rpc/dialer';
import type { GrpcServer } from '@enjambre/rpc/server';
import { Health } from '@enjambre/common/health/health';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { Lifecycle, type Startable } from '@enjambre/common/lifecycle/lifecycle';
import { createLogger, type Logger } from '@enjambre/common/log/logger';
import { measureCertificate } from '@enjambre/common/metrics/certificate-metrics';
import type { Metrics } from '@enjambre/common/metrics/metrics';
import { Monitor } from '@enjambre/common/metrics/monitor';
import type { Metainfo } from '@enjambre/core/metainfo';
import { checkHolder } from '@enjambre/core/trust/certified-identity';
import { VERSION } from '@enjambre/common/version';
import type { AgentInfo } from './adapters/control/agent-handlers.js';
import { DiskContentHasher } from './adapters/disk/content-hasher.js';
import { badDataFolder, badDownloadFolder } from './adapters/state/data-folder-error.js';
import { BlockMemory } from './adapters/disk/block-memory.js';
import { DiskPool } from './adapters/disk/disk-pool.js';
import { DiskRoom } from './adapters/disk/disk-room.js';
import { FdCache } from './adapters/disk/fd-cache.js';
import { makeFolder } from './adapters/disk/make-folder.js';
import { PrivateFolders } from './adapters/disk/private-folders.js';
import { checkDownloadDir, makeSharedDir } from './adapters/disk/shared-dir.js';
import { FileStoreFactory } from './adapters/disk/store-factory.js';
import { agentChecks, type CheckedAgent } from './adapters/health-checks.js';
import { measureAgent, type MeasuredAgent } from './adapters/metrics.js';
import { endpointsOf } from './adapters/own-addresses.js';
import { EndpointGuard } from './adapters/peer/client/endpoint-guard.js';
import { GrpcPeerConnector } from './adapters/peer/client/peer-connector.js';
import { peerService } from './adapters/peer/server/peer-handlers.js';
import { RelayLink, type RelayLinkComponents } from './adapters/messaging/relay-link.js';
import { BansFile } from './adapters/state/bans-file.js';
import { DataFolder } from './adapters/state/data-folder.js';
import { FolderLock } from './adapters/state/folder-lock.js';
import { InboxFile } from './adapters/state/inbox-file.js';
import { PublishedFile } from './adapters/state/published-file.js';
import { NamesFile } from './adapters/state/names-file.js';
import { loadIdentity } from './adapters/state/secrets.js';
import { publicationSigner } from './adapters/publication-signer.js';
import { TrackerLink, type TrackerLinkComponents } from './adapters/tracker/tracker-link.js';
import type { AgentDescription } from './adapters/tracker/tracker-session.js';
import { Bans } from './app/agent/bans.js';
import { findLeftover } from './app/transfer/leftover.js';
import { AgentLimits } from './app/agent/limits.js';
import { Locality } from './app/agent/locality.js';
import { ComplaintTurns } from './app/upload/complaint-turns.js';
import { Meter } from './app/agent/meter.js';
import { redate } from './app/transfer/redating.js';
import { Following } from './app/transfer/following.js';
import { Messages } from './app/messages/messages.js';
import { Uploads } from './app/upload/uploads.js';
import { Transfers, type TransfersComponents } from './app/transfer/transfers.js';
import { AS_LISTEN, type AgentConfig } from './config.js';
import { openOwnTls } from './own-tls.js';
import { controlServers, peerServer } from './servers.js';
import { sharedFolder } from './shared-folder.js';
import { OutstandingBudget } from './domain/download/outstanding-budget.js';
import { seededRandom, type Random } from './domain/random.js';
import { UPLOAD_SLOTS } from './domain/swarm-constants.js';
import { SYSTEM_CLOCK, type Clock } from '@enjambre/common/async/clock';

export interface AgentOverrides {
  readonly log?: Logger;
  readonly random?: Random;
  /** Registry for the agent's metrics; the page is at `--metrics`. @default none */
  readonly metrics?: Metrics;
  /** Health of other services in this process, for the same page. */
  readonly beside?: readonly Health[];
}

/** A running agent. The addresses are known after `start`. */
export interface Agent extends Startable {
  readonly peerId: string;
  /** Where the agent serves other agents. */
  readonly address: Address;
  /** Where the agent accepts commands. */
  readonly controls: readonly Address[];
}

/** Assembles an agent. Starting it acquires the lock of the data folder. */
export function createAgent(config: AgentConfig, overrides: AgentOverrides = {}): Agent {
  const log =
    overrides.log ?? createLogger({ name: config.name, level: config.logLevel, format: config.logFormat });
  return new AgentService(config, log, overrides);
}

/** What all parts of an agent rest on. */
interface Basis {
  readonly lock: FolderLock;
  readonly tls: ProgramTls | undefined;
  readonly identity: PeerIdentity;
}

class AgentService implements Agent {
  readonly #config: AgentConfig;
  readonly #log: Logger;
  readonly #random: Random;
  readonly #metrics: Metrics | undefined;
  readonly #beside: readonly Health[];
  readonly #lifecycle: Lifecycle;
  #peers: GrpcServer | undefined;
  #controls: GrpcServer[] = [];
  #identity: PeerIdentity | undefined;
  readonly #startedAt = new Date();

  constructor(config: AgentConfig, log: Logger, { random, metrics, beside = [] }: AgentOverrides) {
    this.#config = config;
    this.#log = log;
    this.#random = random ?? seededRandom(randomInt(2 ** 32));
    this.#metrics = metrics;
    this.#beside = beside;
    this.#lifecycle = new Lifecycle(log);
  }

  get peerId(): string {
    return this.#identity?.peerId ?? '';
  }

  get address(): Address {
    if (!this.#peers) throw new Error('the agent has not started');
    return this.#peers.address;
  }

  get controls(): readonly Address[] {
    return this.#controls.map(({ address }) => address);
  }

  async start(): Promise<void> {
    const { dataDir } = this.#config;
    await makeFolder(dataDir, 0o700).catch((error: unknown) => {
      throw badDataFolder(error, dataDir);
    });
    const lock = new FolderLock(dataDir);
    await lock.acquire();
    try {
      await this.#makeDownloadFolder();
      await this.#makeSharedDir();
      const tls = await openOwnTls(this.#config, this.#log);
      if (tls) this.#lifecycle.add('certificate', new TlsWatch({ log: this.#log }, tls, this.#config));
      if (tls && this.#metrics) measureCertificate(this.#metrics, tls);
      this.#identity = await this.#identify(tls);
      await this.#compose({ lock, tls, identity: this.#identity });
      await this.#lifecycle.start();
    } catch (error) {
      await lock.release();
      throw badDataFolder(error, dataDir);
    }
    const listen = formatAddress(this.address);
    const control = this.controls.map(formatAddress);
    const over = this.controls.filter(({ kind }) => kind === 'tcp').map(formatAddress);
    const controlled = over.length === 0 ? '' : `, controlled at ${over.join(', ')}`;
    this.#log.info(
      { address: listen, peer: { id: this.peerId, name: this.#config.name }, control },
      `agent ${this.#config.name} (${this.peerId.slice(0, 8)}) listening on ${listen}${controlled}`,
    );
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop();
  }

  /** The composition root: all parts of an agent with their collaborators, from the bottom up. */
  async #compose({ lock, tls, identity }: Basis): Promise<void> {
    const config = this.#config;
    const log = this.#log;
    const add = this.#lifecycle.add.bind(this.#lifecycle);
    const atEnd = (name: string, stop: () => Promise<void>): void => void add(name, ending(stop));
    const self = { peerId: identity.peerId, name: config.name, version: VERSION, labels: config.label };
    const locality = new Locality(self.peerId, config.label);
    const clock = SYSTEM_CLOCK;
    const memory = new BlockMemory();
    const pool = new DiskPool({ memory });
    const fds = new FdCache();
    const privates = this.#privateFolders;
    const stores = new FileStoreFactory({ pool, fds, privates }, self.peerId);
    await stores.sweep(this.#downloadDir);
    const data = this.#dataFolder(stores);
    const credentials = credentialsFrom(tls, config);
    const dialer = new Dialer({ credentials, metrics: this.#metrics });
    const ties = { identity, dialer, log, trust: tls };
    const tracker = this.#trackerLink(ties);
    const hasher = new DiskContentHasher(pool, privates);
    const limits = limitsOf(config, clock);
    const bans = new Bans({ clock, archive: new BansFile(config.dataDir, log), tracker, log });
    const budget = new OutstandingBudget();
    const shared = { clock, tracker, bans, budget, limits, locality, meter: new Meter(), log };
    const guard = this.#endpointGuard(tracker, tls !== undefined);
    const connector = new GrpcPeerConnector({ self, signer: identity, dialer, guard, memory });
    const work = { hasher, random: this.#random, turns: new ComplaintTurns(clock) };
    const transfers = new Transfers(
      { archive: data, stores, connector, ...work, ...this.#publishing(identity), ...shared },
      { downloadDir: this.#downloadDir },
    );
    tracker.onFuturePublication((infohash) => redate({ ...shared, transfers }, infohash));
    const uploads = new Uploads({ clock, log }, { slots: UPLOAD_SLOTS });
    const peerCalls = peerService({ directory: transfers, uploads, self, log });
    const serving = { config, credentials, log, metrics: this.#metrics };
    const peers = peerServer(serving, peerCalls);
    const { relay, inbox, messages } = this.#messaging(ties, clock);
    const control = { ...shared, transfers, messages, relay, facts: () => this.#facts() };
    const controls = await controlServers(serving, control);
    this.#controls = controls;
    atEnd('lock', () => lock.release());
    const health = this.#observed({ ...shared, ...peerCalls, transfers, pool, messages, relay }, tls);
    add('data folder', data);
    add('bans', bans);
    atEnd('inbox', () => inbox.close());
    add('disk threads', pool);
    atEnd('open files', () => fds.close());
    // The network never sees a start that fails: everything that can fail comes before the links.
    for (const server of controls) add('control address', reserved(server));
    this.#peers = add('peer server', peers);
    add('tracker link', tracker);
    atEnd('connections to uploaders', () => connector.close());
    add('transfers', transfers);
    add('following', new Following({ ...shared, ...work, transfers }, { intervalMs: config.followInterval }));
    const sharing = sharedFolder(config, { clock, transfers, hasher, archive: data, log });
    if (sharing) add('shared folder', sharing);
    add('messages', messages);
    if (relay) add('messaging link', relay);
    for (const server of controls) add('control server', server);
    addHealth({ lifecycle: this.#lifecycle, health, log }, [peers, ...controls], config);
  }

  #publishing(identity: PeerIdentity): Pick<TransfersComponents, 'signer' | 'numbers'> {
    const { name, dataDir } = this.#config;
    return { signer: publicationSigner(identity, name), numbers: new PublishedFile(dataDir, this.#log) };
  }

  /** With a certificate for an Ed25519 key, the agent is the peer of that key. */
  async #identify(tls: ProgramTls | undefined): Promise<PeerIdentity> {
    const own = tls && PeerIdentity.ifEd25519(tls.current.key);
    const identity = own ?? (await loadIdentity(this.#config.dataDir));
    checkHolder(tls?.current.identity, { id: identity.peerId, name: this.#config.name });
    return identity;
  }

  #trackerLink(ties: TrackerLinkComponents): TrackerLink {
    const { tracker, operatorTokenFile } = this.#config;
    const addresses = tracker.map(formatAddress);
    return new TrackerLink(ties, { addresses, description: () => this.#description(), operatorTokenFile });
  }

  #endpointGuard(tracker: TrackerLink, hasTls: boolean): EndpointGuard {
    const { metrics, healthListen, insecure } = this.#config;
    return new EndpointGuard({
      servers: () => [
        this.address,
        ...this.controls,
        ...[metrics, healthListen].filter((at) => at !== undefined),
      ],
      trackerIsHere: () => tracker.isHere,
      mayLeaveHost: hasTls || insecure,
    });
  }

  /** The agent's health; also adds the parts that publish it. */
  #observed(parts: Omit<MeasuredAgent & CheckedAgent, 'room'>, own: ProgramTls | undefined): Health {
    const { dataDir, metrics: listen } = this.#config;
    const tls = metricsTlsOf(own, this.#config);
    const monitor = new Monitor({ log: this.#log, metrics: this.#metrics, tls }, listen, this.#beside);
    const room = new DiskRoom({ data: dataDir, downloads: this.#downloadDir });
    const health = new Health('agent', agentChecks({ ...parts, room }));
    monitor.observe(health, (metrics) => measureAgent(metrics, { ...parts, room }));
    this.#lifecycle.add('monitor', monitor);
    this.#lifecycle.add('disk room', room);
    return health;
  }

  #dataFolder(stores: FileStoreFactory): DataFolder {
    const findDownload = (metainfo: Metainfo): Promise<string | undefined> =>
      findLeftover(metainfo, this.#downloadDir, stores);
    return new DataFolder(this.#config.dataDir, this.#log, { findDownload });
  }

  #messaging(
    components: RelayLinkComponents,
    clock: Clock,
  ): { relay: RelayLink | undefined; inbox: InboxFile; messages: Messages } {
    const relay = this.#relay(components);
    const inbox = new InboxFile(this.#config.dataDir, this.#log);
    const names = new NamesFile(this.#config.dataDir, this.#log);
    const self = { peerId: components.identity.peerId, name: this.#config.name };
    const messages = new Messages({ clock, archive: inbox, names, self, relay, log: this.#log });
    return { relay, inbox, messages };
  }

  #relay(components: RelayLinkComponents): RelayLink | undefined {
    const { name, messaging } = this.#config;
    if (!messaging) return undefined;
    const address = formatAddress(messaging);
    return new RelayLink(components, { address, name, version: VERSION });
  }

  get #downloadDir(): string {
    return this.#config.downloadDir ?? join(this.#config.dataDir, 'downloads');
  }

  get #privateFolders(): PrivateFolders {
    return new PrivateFolders({ dataDir: this.#config.dataDir, downloadDir: this.#downloadDir });
  }

  async #makeSharedDir(): Promise<void> {
    const { sharedDir, dataDir } = this.#config;
    if (sharedDir !== undefined) await makeSharedDir(sharedDir, dataDir, this.#privateFolders);
  }

  async #makeDownloadFolder(): Promise<void> {
    const folder = this.#downloadDir;
    await makeFolder(folder).catch((error: unknown) => {
      throw badDownloadFolder(error, folder);
    });
    await checkDownloadDir(folder, this.#config.dataDir);
  }

  #description(): AgentDescription {
    const { name, advertise, label } = this.#config;
    const endpoints = advertise ? [this.#advertised(advertise)] : endpointsOf(this.address);
    return { name, endpoints, labels: label, version: VERSION };
  }

  #advertised(address: TcpAddress): string {
    const { address: own } = this;
    const isPortless = address.port === AS_LISTEN && own.kind === 'tcp';
    return formatAddress(isPortless ? { ...address, port: own.port } : address);
  }

  #facts(): AgentInfo {
    return {
      id: this.peerId,
      name: this.#config.name,
      version: VERSION,
      listen: formatAddress(this.address),
      dataDir: this.#config.dataDir,
      downloadDir: this.#downloadDir,
      startedAt: this.#startedAt,
    };
  }
}

/** Reserves the address of a server that starts later. Stopping before that releases it. */
function reserved(server: GrpcServer): Startable {
  return { start: () => server.reserve(), stop: () => server.stop() };
}

function limitsOf(config: AgentConfig, clock: Clock): AgentLimits {
  const { seedRatio, seedTime: seedTimeMs } = config;
  return new AgentLimits(clock, config, { seedRatio, seedTimeMs });
}

/** A part that only needs to be stopped. */
function ending(stop: () => Promise<void>): Startable {
  return { start: () => Promise.resolve(), stop };
}
