import { join } from 'node:path';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import pLimit from 'p-limit';
import type { LimitChange } from '../../domain/limits/limit-settings.js';
import { copiesOf, otherCopies, sharedFrom } from '../../domain/copies.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { parseRef } from '../../domain/transfer-ref.js';
import type { Offender } from '../agent/bans.js';
import { adding, dropping } from './copy-looks.js';
import { absolute, wantedOf, type DownloadSource } from './download-source.js';
import { asked, identityOf, newRecord, type Identity } from '../agent/identity.js';
import { checkPatterns, prepareMatch } from '../select-files.js';
import { ContentsLookup } from './contents.js';
import { checkTorrentName } from './asked-name.js';
import { KeyedSerial } from './keyed-serial.js';
import { Outdated } from './outdated.js';
import { OwnPublications, type OwnPublicationsComponents } from './own-publications.js';
import { CONTENT_CHANGED } from '../ports/piece-store.js';
import type { ContentHasher, ScannedContent } from '../ports/sharing.js';
import type { Place } from '../ports/store-factory.js';
import { RecordSaver } from './record-saver.js';
import { dropPart, type RemovalOptions } from './removal.js';
import { Replacement } from './replacement.js';
import { checkFollowable, replaceOf, type DownloadTerms } from './download-terms.js';
import { DownloadStarts } from './download-starts.js';
import { Room, type RoomNeed, runningBeside } from './room.js';
import { SharedPaths } from './shared-paths.js';
import type { Serving, ServingDirectory } from '../upload/serving.js';
import { hashShare } from './hash-share.js';
import { placeOf, Targets, type Holder } from './targets.js';
import { traced } from '../download/traced-transfer.js';
import { Transfer } from './transfer.js';
import type { TransferComponents } from './transfer-components.js';
import { TransferLookup } from './transfer-lookup.js';
import type { DownloadOptions, Shared, ShareOptions, Started } from './transfer-options.js';
import { TransferWatchers } from './transfer-watchers.js';

export interface TransfersComponents
  extends
    Omit<
      TransferComponents,
      'changed' | 'counted' | 'moved' | 'save' | 'claim' | 'checkRoom' | 'replacement'
    >,
    Omit<OwnPublicationsComponents, 'transfers'> {
  readonly hasher: ContentHasher;
}

export interface TransfersInit {
  /** Default target folder of downloads. */
  readonly downloadDir: string;
}

const DEFAULTS = { limits: {}, name: '', publisher: '', follow: false, select: [] } as const;
/** Maximum number of concurrent starts: each reads its metainfo from disk. */
const STARTS_AT_ONCE = 16;

/** All transfers of this agent, with the use cases of its API. */
export class Transfers implements Startable, ServingDirectory {
  readonly #transfers = new Map<InfoHash, Transfer>();
  readonly #parts: TransfersComponents;
  /** Shares by the path of their content. */
  readonly #shares = new SharedPaths();
  readonly #watchers = new TransferWatchers();
  readonly #targets: Targets;
  readonly #saver: RecordSaver;
  /** Serialise the addition and removal of transfers, by path and by infohash. Lock order: path, then infohash. */
  readonly #paths = new KeyedSerial<string>();
  readonly #infohashes = new KeyedSerial<InfoHash>();
  readonly #room: Room;
  readonly #outdated = new Outdated();
  readonly #lookup: TransferLookup;
  readonly #replacement: Replacement;
  readonly #downloads: DownloadStarts;
  readonly contents: ContentsLookup;
  readonly published: OwnPublications;

  constructor(
    parts: TransfersComponents,
    private readonly init: TransfersInit,
  ) {
    this.#parts = parts;
    this.#lookup = new TransferLookup({ tracker: parts.tracker, transfers: this.#transfers });
    this.#room = new Room(parts.stores);
    this.#targets = new Targets(parts.stores, (infohash) => this.#holder(infohash));
    this.#replacement = new Replacement({
      ...parts,
      targets: this.#targets,
      transfers: this.#transfers,
      withdraw: (transfer, path) => this.withdraw(transfer, path),
      remove: (transfer) => this.remove(transfer, false),
    });
    this.#downloads = new DownloadStarts(
      {
        ...parts,
        targets: this.#targets,
        transfers: this.#transfers,
        add: (record) => this.#add(record),
        save: (transfer) => this.save(transfer),
        checkRoom: (infohash, need) => this.#checkRoom(infohash, need),
      },
      init.downloadDir,
    );
    this.published = new OwnPublications({ ...parts, transfers: this.#transfers });
    this.#saver = new RecordSaver({ ...parts, transfers: this });
    const [lookup, infohashes] = [this.#lookup, this.#infohashes];
    const at = (infohash: InfoHash): Transfer | undefined => this.at(infohash);
    this.contents = new ContentsLookup({ ...parts, lookup, infohashes, at });
  }

  async start(): Promise<void> {
    await this.published.start();
    const records = await this.published.completed(await this.#parts.archive.load());
    for (const record of records) this.#add(record);
    const limit = pLimit(STARTS_AT_ONCE);
    await Promise.all(Array.from(this.all(), (transfer) => limit(() => transfer.start('update'))));
    this.#saver.start();
  }

  async stop(): Promise<void> {
    await Promise.all(Array.from(this.all(), (transfer) => transfer.stop()));
    await this.#saver.stop();
    await this.published.stop();
  }

  /** All transfers, in the order in which they were added. */
  all(): Iterable<Transfer> {
    return this.#transfers.values();
  }

  /** All transfers, ordered by name. */
  list(): Transfer[] {
    return [...this.all()].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  }

  /** Transfers shared from exactly this path. */
  sharesAt(path: string): readonly Transfer[] {
    return this.#shares.at(path);
  }

  /** Throws `invalid` BAD_REF, `not-found` UNKNOWN_REF, `precondition` AMBIGUOUS_REF. */
  get(ref: string): Transfer {
    return this.#lookup.get(ref);
  }

  /** Hashes and shares a file or folder; survives a crash once this resolves. */
  async share(options: ShareOptions): Promise<Shared> {
    const { content, metainfo } = await hashShare(this.#parts.hasher, options);
    const offered = await this.#paths.run([content.path], () =>
      this.#offer(metainfo, content, options.limits),
    );
    return { ...offered, metainfo, leftOut: content.leftOut };
  }

  /**
   * Starts or resumes a download; survives a crash once this resolves. With another `outputDir`, moves an unfinished
   * download there. Throws `already-exists` TARGET_TAKEN if another transfer has the target, and `precondition`
   * ELSEWHERE if the content already has its final name in another folder.
   */
  async download(source: DownloadSource, options: DownloadOptions): Promise<Started> {
    const { outputDir, limits, name, publisher, follow, select } = { ...DEFAULTS, ...options };
    checkPatterns(select);
    const wanted = outputDir === '' ? undefined : absolute(outputDir);
    const { ref, info, metainfo } = await wantedOf(source);
    // Outside the lock: a tracker that does not answer must not block other calls.
    const found = info ? identityOf(info) : await this.#lookup.identify(ref, publisher);
    if (follow) checkFollowable(found, publisher);
    if (info && !this.#transfers.has(found.infohash)) checkTorrentName(info, name);
    await (info ? prepareMatch(info, select) : this.contents.checkSelects(found, select));
    const identity = asked(found, name);
    const terms = { limits, replace: replaceOf(identity, options), follow, select };
    // Both together say that another publisher's file is meant to go.
    const mayBeAnothers = options.replace === true && publisher !== '';
    if (terms.replace !== 'none' && found.askedByName && !mayBeAnothers)
      await this.#replacement.checkPublisher(identity, this.#placeFor(identity, wanted), publisher);
    return this.#fetch(identity, metainfo, { ...terms, wanted });
  }

  /** Downloads a newer version of content in its place; see {@link DownloadOptions}. */
  async moveOn({ record }: Transfer, found: Identity): Promise<Transfer> {
    const { location, movingTo, select, ...its } = record;
    const { maxUpload, maxDownload, priority, seedRatio, seedTimeMs } = its;
    const limits = { maxUpload, maxDownload, priority, seedRatio, seedTimeMs };
    const terms = { limits, replace: 'own', follow: true, select } as const;
    const { transfer } = await this.#fetch(found, undefined, { ...terms, wanted: movingTo || location });
    return transfer;
  }

  async #fetch(
    found: Identity,
    metainfo: Metainfo | undefined,
    { wanted, ...terms }: DownloadTerms & { readonly wanted: string | undefined },
  ): Promise<Started> {
    const { infohash, name } = found;
    const start = (): Promise<Started> =>
      this.#infohashes.run([infohash], () => this.#downloads.start(found, metainfo, { ...terms, wanted }));
    if (terms.replace === 'none' || name === '') return start();
    const place = this.#placeFor(found, wanted);
    return this.#paths.run([join(place.folder, name)], async () => {
      const started = await start();
      await this.#replacement.clearWay(infohash, place);
      return started;
    });
  }

  #placeFor({ name }: Identity, wanted = this.init.downloadDir): Place {
    return { folder: wanted, name };
  }

  /** Returns and throws as {@link Transfer.remove} does. */
  remove(transfer: Transfer, deleteData: boolean, force = false): ReturnType<Transfer['remove']> {
    return this.#infohashes.run([transfer.infohash], () => this.#remove(transfer, { deleteData, force }));
  }

  /** Stops sharing a transfer from a path; removes the transfer if no copy is left. */
  withdraw(transfer: Transfer, path: string): Promise<void> {
    return this.#infohashes.run([transfer.infohash], () => this.#withdraw(transfer, path));
  }

  /** The infohash of a transfer or of a file in the catalogue. Throws as {@link TransferLookup.identify} does. */
  async lookUp(ref: string): Promise<InfoHash> {
    return (await this.#lookup.identify(parseRef(ref))).infohash;
  }

  /** Calls `listener` on each change of the transfer. Returns a function that ends the watch. */
  watch(infohash: InfoHash, listener: () => void): () => void {
    return this.#watchers.watch(infohash, listener);
  }

  /** The transfer of an infohash. */
  at(infohash: InfoHash): Transfer | undefined {
    return this.#transfers.get(infohash);
  }

  /** True until the transfer is removed. */
  has(transfer: Transfer): boolean {
    return this.#transfers.get(transfer.infohash) === transfer;
  }

  find(infohash: InfoHash): Serving | undefined {
    return this.#transfers.get(infohash)?.serving;
  }

  hasChanged(infohash: InfoHash): boolean {
    return this.#transfers.get(infohash)?.fault === CONTENT_CHANGED || this.#outdated.has(infohash);
  }

  banReason(peer: PeerId): string | undefined {
    return this.#parts.bans.reasonFor(peer);
  }

  report(offender: Offender, breach: string): void {
    this.#parts.bans.strike(offender, breach);
  }

  #checkRoom(infohash: InfoHash, need: RoomNeed): Promise<void> {
    return this.#room.check(need, () => runningBeside(infohash, this.#transfers.values()));
  }

  #holder(infohash: InfoHash): Holder | undefined {
    const transfer = this.#transfers.get(infohash);
    if (!transfer) return undefined;
    const { name, home } = transfer;
    return { infohash, name, pending: !home.inPlace, origin: home.origin };
  }

  /**
   * Shares content that was just hashed, as a new transfer or as `known`. Throws `precondition` CHANGED_WHILE_READ;
   * `known` is then unchanged.
   */
  async #adopt(
    metainfo: Metainfo,
    content: ScannedContent,
    limits: LimitChange,
    known?: Transfer,
  ): Promise<Transfer> {
    const { clock, archive, hasher, stores } = this.#parts;
    const { path: location } = content;
    await archive.writeMetainfo(metainfo);
    const fingerprint = (await stores.original(metainfo, content.path).fingerprint()) ?? '';
    // After the fingerprint, which is thereby that of the hashed content.
    await hasher.confirm(content);
    const identity = identityOf(metainfo);
    known?.seeding.lift();
    const before = known?.record;
    const copies = otherCopies(before ? copiesOf(before) : [], location, metainfo.name);
    const nowMs = clock.epochMs();
    const shared = sharedFrom({ location, fingerprint }, copies, nowMs);
    const published = this.published.publish({ ...identity, published: before?.published }, nowMs);
    const record = { ...newRecord(identity, { origin: true, location, nowMs }), ...limits, ...shared };
    const transfer = known ?? this.#add({ ...record, published });
    const { name, size } = identity;
    const named = { name, sizeBytes: size, selectedBytes: size, published };
    await (known ? known.become({ ...named, ...shared }, 'started') : transfer.start('started'));
    // The caller may pass the infohash on at once: it must be served by then.
    await transfer.settled();
    if (transfer.state === 'seeding') {
      if (before) await dropPart(metainfo, before, this.#parts);
      return transfer;
    }
    await hasher.confirm(content).catch(async (error: unknown) => {
      if (before) await transfer.become(before, 'update');
      else await this.#remove(transfer, { deleteData: false });
      throw error;
    });
    return transfer;
  }

  /** Shares content from its path. Replaces other content shared from it; adds a copy if the infohash is known. */
  #offer(
    metainfo: Metainfo,
    content: ScannedContent,
    limits: LimitChange = {},
  ): Promise<Pick<Shared, 'transfer' | 'already'>> {
    const { infohash } = metainfo;
    const { path } = content;
    const before = this.sharesAt(path);
    const infohashes = new Set([infohash, ...before.map((transfer) => transfer.infohash)]);
    return this.#infohashes.run([...infohashes], async () => {
      const known = this.#transfers.get(infohash);
      // If the content was moved, share it from the new path, even if its absence at the old one was not noticed yet.
      const already =
        known?.state === 'seeding' && known.record.select.length === 0 && (await known.isUnchanged());
      for (const transfer of before)
        if (transfer !== known && this.has(transfer) && !(await transfer.isUnchanged(path)))
          await this.#withdraw(transfer, path, CONTENT_CHANGED);
      const transfer = already ? known : await this.#adopt(metainfo, content, limits, known);
      if (already) await known.amend(adding(content, this.#parts));
      this.#shares.add(transfer);
      transfer.limits.change(limits);
      await this.save(transfer);
      return { transfer, already };
    });
  }

  async #withdraw(transfer: Transfer, path: string, reason?: typeof CONTENT_CHANGED): Promise<void> {
    if (await transfer.amend(dropping(path))) {
      this.#shares.forget(transfer, path);
      return this.save(transfer);
    }
    if (reason) this.#outdated.add(transfer.infohash);
    await this.#remove(transfer, { deleteData: false, ...(reason && { reason }) });
  }

  async #remove(transfer: Transfer, options: RemovalOptions): ReturnType<Transfer['remove']> {
    const outcome = await transfer.remove(options);
    if (this.has(transfer)) {
      this.published.removed(transfer.record);
      this.#transfers.delete(transfer.infohash);
      this.#targets.release(transfer.infohash);
      this.#shares.delete(transfer);
    }
    this.#watchers.changed(transfer.infohash);
    return outcome;
  }

  #add(record: TransferRecord): Transfer {
    const parts: TransferComponents = traced(record.infohash, {
      ...this.#parts,
      changed: () => {
        this.#saver.saveSoon(transfer);
        this.#watchers.changed(record.infohash);
      },
      counted: () => {
        this.#saver.saveSoon(transfer);
      },
      moved: () => this.#targets.hold(record.infohash, placeOf(transfer.record)),
      save: () => this.save(transfer),
      replacement: this.#replacement,
      checkRoom: (need) => this.#checkRoom(record.infohash, need),
      claim: (place) => this.#targets.claim(record.infohash, place, transfer.record.replace !== 'none'),
    });
    if (record.name !== '') this.#targets.hold(record.infohash, placeOf(record));
    const transfer = new Transfer(record, parts);
    this.#parts.archive.keep(record.infohash);
    this.#transfers.set(record.infohash, transfer);
    this.#shares.add(transfer);
    this.#saver.saveSoon(transfer);
    return transfer;
  }

  /** Resolves when the current record survives a crash: required before a caller gets an answer. */
  save(transfer: Transfer): Promise<void> {
    return this.#saver.save(transfer);
  }
}
