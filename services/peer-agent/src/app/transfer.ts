import { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { shortId, type InfoHash } from '@enjambre/core/ids';
import { PieceLayout } from '@enjambre/core/layout';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { Logger } from '@enjambre/common/log/logger';
import type { BanList } from '../domain/ban-list.js';
import type { Random } from '../domain/random.js';
import type { TransferGoal, TransferRecord } from '../domain/transfer-record.js';
import { DownloadSession } from './download-session.js';
import { Ledger, type PeerAccount } from './ledger.js';
import { MetainfoSearch } from './metainfo-search.js';
import type {
  Membership,
  MembershipEvent,
  PeerConnector,
  PieceStore,
  ProgressLog,
  StoreFactory,
  TrackerPort,
  TransferArchive,
} from './ports.js';
import { Serving } from './serving.js';
import { sampleHolds, verifyPieces } from './verification.js';

export type TransferState = 'resolving' | 'checking' | 'downloading' | 'seeding' | 'paused' | 'failed';

/** A transfer as it stands, for whoever asks. */
export interface TransferView {
  readonly record: TransferRecord;
  readonly state: TransferState;
  /** Why it failed, or what it waits for; empty otherwise. */
  readonly reason: string;
  readonly path: string;
  readonly pieceLength: number;
  readonly piecesTotal: number;
  readonly piecesDone: number;
  readonly fileCount: number;
  /** Bytes a second. */
  readonly downloadRate: number;
  readonly uploadRate: number;
  readonly peers: readonly (PeerAccount & { readonly banned: string })[];
}

export interface TransferComponents {
  readonly archive: TransferArchive;
  readonly stores: StoreFactory;
  readonly connector: PeerConnector;
  readonly tracker: TrackerPort;
  readonly bans: BanList;
  readonly random: Random;
  readonly log: Logger;
  /** Called at each change of state, when what must outlive the process changed. */
  readonly changed: (transfer: Transfer) => void;
}

/** What was synced to disk is claimed this often while a download runs. */
const CHECKPOINT_MS = 5000;
/** News for the tracker, at most this often. */
const ANNOUNCE_MS = 1000;

/** Everything that exists once the metainfo is known. */
interface Content {
  readonly metainfo: Metainfo;
  readonly layout: PieceLayout;
  readonly store: PieceStore;
}

/**
 * One file or folder that this agent shares or downloads, through all its states. What
 * it is to do (`goal`) outlives the process; what it does follows from it. Changes of
 * the goal run one after the other.
 */
export class Transfer {
  #record: TransferRecord;
  #state: TransferState = 'paused';
  #content: Content | undefined;
  #have: Bitfield | undefined;
  #ledger: Ledger;
  #serving: Serving | undefined;
  #session: DownloadSession | undefined;
  #search: MetainfoSearch | undefined;
  #checked = 0;
  #activeSinceMs: number | undefined;
  #run: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  #serial: Promise<void> = Promise.resolve();

  constructor(
    record: TransferRecord,
    private readonly parts: TransferComponents,
  ) {
    this.#record = record;
    this.#ledger = newLedger(record);
  }

  get infohash(): InfoHash {
    return this.#record.infohash;
  }

  get name(): string {
    return this.#record.name;
  }

  get state(): TransferState {
    return this.#state;
  }

  /** What others may fetch; undefined while nothing is served. */
  get serving(): Serving | undefined {
    return this.#serving;
  }

  get metainfo(): Metainfo | undefined {
    return this.#content?.metainfo;
  }

  /** What is to outlive the process, as of now. */
  get record(): TransferRecord {
    const { downloaded, uploaded, wasted } = this.#ledger.totals;
    return {
      ...this.#record,
      bytesDone: this.#bytesDone(),
      bytesDownloaded: downloaded,
      bytesUploaded: uploaded,
      bytesWasted: wasted,
      activeMs: this.#record.activeMs + (this.#activeSinceMs === undefined ? 0 : Date.now() - this.#activeSinceMs),
      peers: this.#ledger.peers().map(({ peerId, name, received, sent }) => ({ peerId, name, received, sent })),
    };
  }

  view(): TransferView {
    const peers = this.#ledger.peers();
    const now = Date.now();
    return {
      record: this.record,
      state: this.#state,
      reason: this.#reason(),
      path: this.#content?.store.path ?? this.#record.location,
      pieceLength: this.#content?.metainfo.pieceLength ?? 0,
      piecesTotal: this.#content?.layout.pieceCount ?? 0,
      piecesDone: this.#have?.count ?? 0,
      fileCount: this.#content?.metainfo.files.length ?? 0,
      downloadRate: peers.reduce((sum, peer) => sum + peer.receiveRate, 0),
      uploadRate: peers.reduce((sum, peer) => sum + peer.sendRate, 0),
      peers: peers.map((peer) => ({ ...peer, banned: this.parts.bans.reasonFor(peer.peerId, now) ?? '' })),
    };
  }

  /** Does what the goal says: called once, when the transfer is added or loaded. */
  start(): Promise<void> {
    return this.#inTurn(() => this.#begin('update'));
  }

  /** As {@link start}, for one that was just added: the tracker is told that it is new. */
  startNew(): Promise<void> {
    return this.#inTurn(() => this.#begin('started'));
  }

  pause(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#record.goal === 'pause') return;
      await this.#halt('PAUSED', 'the file was paused');
      this.#settle('pause', 'paused', '');
      this.#leave('paused');
    });
  }

  /** Goes on after a pause or a failure; does nothing to a transfer that runs. */
  resume(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#record.goal === 'run') return;
      await this.#halt('STOPPING', 'the transfer starts again');
      this.#record = { ...this.#record, goal: 'run', reason: '' };
      await this.#begin('update');
    });
  }

  /** Reads all that is on disk again; what is wrong is fetched anew. */
  verify(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#halt('CHECKING', 'the file is being checked');
      this.#record = { ...this.#record, goal: 'run', reason: '', fingerprint: '' };
      await this.parts.archive.progress(this.infohash).save(Bitfield.empty(this.#content?.layout.pieceCount ?? 1));
      await this.#begin('update', true);
    });
  }

  /** Ends it for good. Throws `precondition`, NOT_DOWNLOADED, if asked to delete an original. */
  remove(deleteData: boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (deleteData && this.#record.origin) {
        throw new EnjambreError(
          'precondition',
          'NOT_DOWNLOADED',
          `${this.name} was shared from ${this.#record.location}, not downloaded: delete it there yourself`,
        );
      }
      await this.#halt('REMOVED', 'the file is no longer shared');
      this.parts.tracker.withdraw(this.infohash);
      if (deleteData || !this.#record.complete) await this.#content?.store.delete();
      await this.parts.archive.remove(this.infohash);
    });
  }

  /** Ends all work, for the end of the process: the goal stays, and so does all progress. */
  stop(): Promise<void> {
    return this.#inTurn(() => this.#halt('STOPPING', 'the agent is stopping'));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#serial.then(work);
    this.#serial = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  async #begin(event: MembershipEvent, thorough = false): Promise<void> {
    if (this.#record.goal !== 'run') {
      this.#content ??= await this.#open();
      this.#state = this.#record.goal === 'pause' ? 'paused' : 'failed';
      return;
    }
    const abort = new AbortController();
    const done = this.#perform({ event, thorough, signal: abort.signal }).catch((error: unknown) => {
      if (!abort.signal.aborted) this.#fail(EnjambreError.from(error), error);
    });
    this.#run = { abort, done };
  }

  /** From wherever it is to the end, or until it is halted. */
  async #perform(run: { event: MembershipEvent; thorough: boolean; signal: AbortSignal }): Promise<void> {
    this.#content ??= (await this.#open()) ?? (await this.#resolve(run.signal));
    if (!this.#content || run.signal.aborted) return;
    const have = await this.#whatIsThere(this.#content, run.thorough, run.signal);
    if (run.signal.aborted) return;
    this.#have = have;
    if (have.isFull()) return this.#finish(this.#content, run.event);
    if (this.#record.origin) throw contentChanged(this.#record.location);
    this.#record = { ...this.#record, complete: false, completedAtMs: 0 };
    await this.#download(this.#content, have, run);
  }

  /** Opens what is known of it; undefined without metainfo. */
  async #open(): Promise<Content | undefined> {
    const metainfo = await this.parts.archive.readMetainfo(this.infohash);
    return metainfo && this.#contentOf(metainfo);
  }

  #contentOf(metainfo: Metainfo): Content {
    const { origin, location, complete } = this.#record;
    const { stores } = this.parts;
    const store = origin ? stores.original(metainfo, location) : stores.download(metainfo, location, complete);
    return { metainfo, layout: new PieceLayout(metainfo), store };
  }

  /** Finds the metainfo in the swarm. */
  async #resolve(signal: AbortSignal): Promise<Content | undefined> {
    const { tracker, connector, archive, stores } = this.parts;
    this.#enter('resolving');
    const search = new MetainfoSearch(connector, this.infohash);
    this.#search = search;
    tracker.watch(this.infohash, search);
    try {
      const metainfo = await search.run(signal);
      if (!metainfo) return undefined;
      await stores.checkTarget(this.#record.location, metainfo.name);
      await archive.writeMetainfo(metainfo);
      this.#record = { ...this.#record, name: metainfo.name, bytesTotal: metainfo.totalLength };
      return this.#contentOf(metainfo);
    } finally {
      this.#search = undefined;
      tracker.unwatch(this.infohash);
    }
  }

  /** Which pieces are on disk: believed where it is safe to, else hashed. */
  async #whatIsThere(content: Content, thorough: boolean, signal: AbortSignal): Promise<Bitfield> {
    const { layout, store } = content;
    const parts = { layout, store, signal };
    if (this.#record.complete && !thorough) {
      const unchanged = (await store.fingerprint()) === this.#record.fingerprint;
      if (unchanged && (await sampleHolds(Bitfield.full(layout.pieceCount), parts))) return Bitfield.full(layout.pieceCount);
    } else if (!thorough) {
      const { have, unsure } = await this.parts.archive.progress(this.infohash).load(layout.pieceCount);
      if (await sampleHolds(have, parts)) {
        for (const piece of (await verifyPieces(unsure, parts)).indexes()) have.set(piece);
        return have;
      }
    }
    this.#enter('checking');
    this.#checked = 0;
    return verifyPieces(allPieces(layout), parts, () => (this.#checked += 1));
  }

  async #download(content: Content, have: Bitfield, run: { event: MembershipEvent; signal: AbortSignal }): Promise<void> {
    const { metainfo, layout, store } = content;
    const { connector, bans, random, log, tracker, archive } = this.parts;
    const progress = archive.progress(this.infohash);
    const ledger = this.#ledger;
    await progress.save(have);
    await new Promise<void>((resolve, reject) => {
      const session = new DownloadSession(
        { metainfo, layout, have, store, connector, ledger, bans, random, log },
        {
          verified: (piece) => {
            progress.note(piece);
            this.#serving?.verified(piece);
          },
          complete: resolve,
          failed: reject,
        },
      );
      this.#session = session;
      this.#have = session.have;
      this.#serve(content, session);
      this.#enter('downloading');
      tracker.announce(this.#membership(), run.event);
      tracker.watch(this.infohash, session);
      session.start();
      this.#housekeeping(content, progress, { signal: run.signal, failed: reject });
      run.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    if (run.signal.aborted) return;
    await this.#closeSession('COMPLETE', 'the download is complete');
    await this.#finish(content, 'completed');
  }

  /** Checkpoints and announces while a download runs. */
  #housekeeping(
    content: Content,
    progress: ProgressLog,
    { signal, failed }: { signal: AbortSignal; failed: (error: unknown) => void },
  ): void {
    const checkpoint = setInterval(() => {
      this.#checkpoint(content, progress).catch(failed);
    }, CHECKPOINT_MS);
    let told = -1;
    const announce = setInterval(() => {
      const done = this.#bytesDone();
      if (done !== told) this.parts.tracker.announce(this.#membership(), 'update');
      told = done;
    }, ANNOUNCE_MS);
    const end = (): void => {
      clearInterval(checkpoint);
      clearInterval(announce);
    };
    this.#endHousekeeping = end;
    signal.addEventListener('abort', end, { once: true });
  }

  #endHousekeeping: () => void = () => undefined;

  /** Data first, then the claim (DESIGN §7). */
  async #checkpoint({ store }: Content, progress: ProgressLog): Promise<void> {
    const claim = this.#have?.clone();
    if (!claim) return;
    await store.flush();
    await progress.save(claim);
    this.parts.changed(this);
  }

  /** All pieces are there: put the content in its place, and seed. */
  async #finish(content: Content, event: MembershipEvent): Promise<void> {
    const { store, layout } = content;
    await store.publish();
    if (!this.#record.complete || this.#record.fingerprint === '') {
      const fingerprint = (await store.fingerprint()) ?? '';
      const completedAtMs = this.#record.completedAtMs || Date.now();
      this.#record = { ...this.#record, complete: true, fingerprint, completedAtMs };
    }
    this.#have = Bitfield.full(layout.pieceCount);
    if (!this.#serving) this.#serve(content, { have: this.#have });
    this.#enter('seeding');
    this.parts.tracker.announce(this.#membership(), event);
  }

  #serve({ metainfo, layout, store }: Content, source: { have: Bitfield; announceHave?: DownloadSession['announceHave'] }): void {
    this.#serving = new Serving({ metainfo, layout, store, have: source.have, ledger: this.#ledger });
    this.#serving.subscribe({ has: (pieces) => source.announceHave?.(pieces), stopped: () => undefined });
  }

  #fail(error: EnjambreError, cause: unknown): void {
    if (error.code === 'internal') this.parts.log.error({ err: cause }, `${this.name || this.infohash} failed`);
    const reason = error.reason === 'INTERNAL' ? `internal error: ${messageOf(cause)}` : error.message;
    this.#inTurn(async () => {
      await this.#halt('FAILED', 'the transfer failed');
      this.#settle('failed', 'failed', reason);
      this.#leave('failed', reason);
      this.parts.log.error(`${this.name || shortId(this.infohash)}: ${reason}`);
    }).catch((failure: unknown) => {
      this.parts.log.error({ err: failure }, 'a failed transfer could not be stopped');
    });
  }

  /** Stops all work and saves how far it came. */
  async #halt(reason: string, message: string): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    run?.abort.abort();
    await run?.done;
    await this.#closeSession(reason, message);
    this.#serving?.stop(message);
    this.#serving = undefined;
    if (this.#content && this.#have && !this.#record.complete) {
      await this.#checkpoint(this.#content, this.parts.archive.progress(this.infohash)).catch((error: unknown) => {
        this.parts.log.warn({ err: error }, 'progress could not be saved');
      });
    }
    await this.#content?.store.close();
    this.#countTime(false);
  }

  async #closeSession(reason: string, message: string): Promise<void> {
    this.#endHousekeeping();
    const session = this.#session;
    this.#session = undefined;
    if (!session) return;
    this.parts.tracker.unwatch(this.infohash);
    await session.stop(reason, message);
  }

  #enter(state: TransferState): void {
    this.#state = state;
    this.#countTime(state === 'resolving' || state === 'downloading');
    this.parts.changed(this);
  }

  #settle(goal: TransferGoal, state: TransferState, reason: string): void {
    this.#record = { ...this.#record, goal, reason };
    this.#enter(state);
  }

  /** Tells the tracker why, and leaves the swarm. */
  #leave(event: 'paused' | 'failed', reason?: string): void {
    if (!this.#record.origin && !this.#record.complete) this.parts.tracker.announce(this.#membership(), event, reason);
    this.parts.tracker.withdraw(this.infohash);
  }

  /** Time counts while bytes, or the metainfo, are being fetched. */
  #countTime(active: boolean): void {
    const now = Date.now();
    if (this.#activeSinceMs !== undefined) {
      this.#record = { ...this.#record, activeMs: this.#record.activeMs + now - this.#activeSinceMs };
    }
    this.#activeSinceMs = active ? now : undefined;
  }

  #membership(): Membership {
    const metainfo = this.#content?.metainfo;
    const { downloaded, uploaded } = this.#ledger.totals;
    const { origin, bytesTotal } = this.#record;
    return {
      infohash: this.infohash,
      origin,
      file: metainfo && {
        name: metainfo.name,
        size: metainfo.totalLength,
        pieceLength: metainfo.pieceLength,
        fileCount: metainfo.files.length,
      },
      bytesLeft: bytesTotal - this.#bytesDone(),
      bytesDownloaded: downloaded,
      bytesUploaded: uploaded,
    };
  }

  #bytesDone(): number {
    const { complete, bytesTotal, bytesDone } = this.#record;
    if (complete) return bytesTotal;
    const layout = this.#content?.layout;
    if (!layout || !this.#have) return bytesDone;
    if (this.#have.isFull()) return bytesTotal;
    return Math.min(bytesTotal, this.#sumOf(this.#have, layout));
  }

  #sumCache = { count: -1, bytes: 0 };

  #sumOf(have: Bitfield, layout: PieceLayout): number {
    if (this.#sumCache.count !== have.count) {
      let bytes = 0;
      for (const piece of have.indexes()) bytes += layout.pieceSize(piece);
      this.#sumCache = { count: have.count, bytes };
    }
    return this.#sumCache.bytes;
  }

  #reason(): string {
    if (this.#record.goal === 'failed') return this.#record.reason;
    const waiting = this.#search?.problem ?? this.#session?.problem ?? '';
    if (waiting !== '' && !this.parts.tracker.connected) return `${waiting}; the tracker is not reachable`;
    if (this.#state === 'checking') return `checked ${this.#checked} of ${this.#content?.layout.pieceCount ?? 0} pieces`;
    return waiting;
  }
}

function newLedger(record: TransferRecord): Ledger {
  const totals = { downloaded: record.bytesDownloaded, uploaded: record.bytesUploaded, wasted: record.bytesWasted };
  return new Ledger(totals, record.peers, () => performance.now());
}

function* allPieces(layout: PieceLayout): Iterable<number> {
  for (let piece = 0; piece < layout.pieceCount; piece++) yield piece;
}

function contentChanged(path: string): EnjambreError {
  return new EnjambreError(
    'precondition',
    'CONTENT_CHANGED',
    `${path} is not what was shared any more: share it again to offer what it is now`,
  );
}
