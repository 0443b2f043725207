import { isAbsolute, resolve } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import { parseMetainfo } from '@enjambre/core/metainfo-parse';
import { choosePieceLength } from '@enjambre/core/piece-length';
import { checkName } from '@enjambre/core/names';
import { Serial } from '@enjambre/common/async/serial';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { TransferRecord } from '../domain/transfer-record.js';
import { findByRef, parseRef, type TransferRef } from '../domain/transfer-ref.js';
import type { ContentHasher } from './ports.js';
import type { Serving, ServingDirectory } from './serving.js';
import { Transfer, type TransferComponents } from './transfer.js';

export interface TransfersComponents extends Omit<TransferComponents, 'changed'> {
  readonly hasher: ContentHasher;
}

export interface TransfersInit {
  /** Where downloads go unless told otherwise. */
  readonly downloadDir: string;
}

export interface ShareOptions {
  readonly path: string;
  /** Name to share it under; its own if empty. */
  readonly name: string;
  /** 0 lets us choose. */
  readonly pieceLength: number;
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
}

export type DownloadSource =
  { readonly kind: 'ref'; readonly ref: string } | { readonly kind: 'metainfo'; readonly bytes: Uint8Array };

/** The status file follows changes after so long, and progress at least so often. */
const SAVE_DELAY_MS = 200;
const SAVE_INTERVAL_MS = 1000;

/** All transfers of this agent: the use cases that people and programs ask for. */
export class Transfers implements Startable, ServingDirectory {
  readonly #transfers = new Map<InfoHash, Transfer>();
  readonly #parts: TransfersComponents;
  readonly #watchers = new Map<InfoHash, Set<() => void>>();
  #saveTimer: NodeJS.Timeout | undefined;
  #interval: NodeJS.Timeout | undefined;
  readonly #saving = new Serial();

  constructor(
    parts: TransfersComponents,
    private readonly init: TransfersInit,
  ) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    for (const record of await this.#parts.archive.load()) this.#add(record);
    for (const transfer of this.#transfers.values()) await transfer.start('update');
    this.#interval = setInterval(() => {
      if (this.list().some(({ state }) => state === 'downloading')) this.#saveSoon();
    }, SAVE_INTERVAL_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#interval);
    await Promise.all(this.list().map((transfer) => transfer.stop()));
    clearTimeout(this.#saveTimer);
    await this.#save();
  }

  /** All of them, ordered by name. */
  list(): Transfer[] {
    return [...this.#transfers.values()].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  }

  /** Throws `invalid` BAD_REF, `not-found` UNKNOWN_REF, `precondition` AMBIGUOUS_REF. */
  get(ref: string): Transfer {
    const transfer = findByRef(parseRef(ref), this.list());
    if (transfer) return transfer;
    throw new EnjambreError(
      'not-found',
      'UNKNOWN_REF',
      `this agent has no transfer "${ref}": see \`enjambre ls\``,
    );
  }

  /** Hashes and offers a file or folder. `already` tells that it was offered before. */
  async share(options: ShareOptions): Promise<{ transfer: Transfer; metainfo: Metainfo; already: boolean }> {
    const { path, signal, progress } = options;
    if (!isAbsolute(path)) {
      throw new EnjambreError(
        'invalid',
        'PATH_NOT_ABSOLUTE',
        `"${path}" is not an absolute path: write it from the root`,
      );
    }
    const content = await this.#parts.hasher.scan(resolve(path));
    const name = options.name || (content.path.split('/').at(-1) ?? '');
    checkName(name);
    const pieceLength = options.pieceLength || choosePieceLength(content.totalLength);
    let done = 0;
    const metainfo = await this.#parts.hasher.hash(content, {
      name,
      pieceLength,
      signal,
      progress: (bytes) => {
        done += bytes;
        progress(done, content.totalLength);
      },
    });
    const known = this.#transfers.get(metainfo.infohash);
    if (known?.record.complete && known.state === 'seeding')
      return { transfer: known, metainfo, already: true };
    if (known) await this.#forget(known);
    const transfer = await this.#adopt(metainfo, { origin: true, location: content.path, complete: true });
    return { transfer, metainfo, already: false };
  }

  /** Starts a download, or goes on with one. */
  async download(
    source: DownloadSource,
    outputDir: string,
  ): Promise<{ transfer: Transfer; already: boolean }> {
    if (outputDir !== '' && !isAbsolute(outputDir)) {
      throw new EnjambreError(
        'invalid',
        'PATH_NOT_ABSOLUTE',
        `"${outputDir}" is not an absolute path: write it from the root`,
      );
    }
    const metainfo = source.kind === 'metainfo' ? parseMetainfo(source.bytes) : undefined;
    const known = metainfo
      ? this.#transfers.get(metainfo.infohash)
      : findByRef(parseRef(source.kind === 'ref' ? source.ref : ''), this.list());
    if (known) {
      await known.resume();
      return { transfer: known, already: known.record.complete };
    }
    const location = resolve(outputDir || this.init.downloadDir);
    if (metainfo) {
      await this.#parts.stores.checkTarget(location, metainfo.name);
      return {
        transfer: await this.#adopt(metainfo, { origin: false, location, complete: false }),
        already: false,
      };
    }
    const found = await this.#find(source.kind === 'ref' ? source.ref : '');
    await this.#parts.stores.checkTarget(location, found.name);
    const transfer =
      this.#transfers.get(found.infohash) ?? this.#add(newRecord({ ...found, origin: false, location }));
    await transfer.start('started');
    return { transfer, already: false };
  }

  async remove(transfer: Transfer, deleteData: boolean): Promise<void> {
    await transfer.remove(deleteData);
    await this.#forget(transfer);
  }

  /** The infohash of a file that this agent or its tracker knows. */
  async lookUp(ref: string): Promise<InfoHash> {
    const known = findByRef(parseRef(ref), this.list());
    return known ? known.infohash : (await this.#find(ref)).infohash;
  }

  /** Calls `listener` at each change of state. Returns a function that ends it. */
  watch(infohash: InfoHash, listener: () => void): () => void {
    const listeners = this.#watchers.get(infohash) ?? new Set();
    this.#watchers.set(infohash, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#watchers.get(infohash) === listeners) this.#watchers.delete(infohash);
    };
  }

  /** True until it is removed. */
  has(transfer: Transfer): boolean {
    return this.#transfers.get(transfer.infohash) === transfer;
  }

  find(infohash: InfoHash): Serving | undefined {
    return this.#transfers.get(infohash)?.serving;
  }

  banReason(peer: PeerId): string | undefined {
    return this.#parts.bans.reasonFor(peer, Date.now());
  }

  report(peer: PeerId, reason: string): void {
    this.#parts.bans.strike(peer, reason, Date.now());
  }

  /** Asks the tracker what a ref means. */
  async #find(text: string): Promise<{ infohash: InfoHash; name: string; size: number }> {
    const ref = parseRef(text);
    const found = findByRef(ref, await this.#parts.tracker.findFiles(queryOf(ref)));
    if (found) return found;
    throw new EnjambreError(
      'not-found',
      'UNKNOWN_REF',
      `no peer shares "${text}": see \`enjambre files\` for what is shared`,
    );
  }

  async #adopt(
    metainfo: Metainfo,
    where: { origin: boolean; location: string; complete: boolean },
  ): Promise<Transfer> {
    await this.#parts.archive.writeMetainfo(metainfo);
    const { infohash, name, totalLength: size } = metainfo;
    let record = newRecord({ infohash, name, size, ...where });
    if (where.complete) {
      const store = this.#parts.stores.original(metainfo, where.location);
      record = {
        ...record,
        complete: true,
        completedAtMs: Date.now(),
        fingerprint: (await store.fingerprint()) ?? '',
      };
    }
    const transfer = this.#add(record);
    await transfer.start('started');
    return transfer;
  }

  #add(record: TransferRecord): Transfer {
    const transfer = new Transfer(record, {
      ...this.#parts,
      changed: () => {
        this.#saveSoon();
        for (const listener of this.#watchers.get(record.infohash) ?? []) listener();
      },
    });
    this.#transfers.set(record.infohash, transfer);
    this.#saveSoon();
    return transfer;
  }

  async #forget(transfer: Transfer): Promise<void> {
    await transfer.stop();
    if (this.has(transfer)) this.#transfers.delete(transfer.infohash);
    for (const listener of this.#watchers.get(transfer.infohash) ?? []) listener();
    await this.#save();
  }

  #saveSoon(): void {
    this.#saveTimer ??= setTimeout(() => {
      this.#save().catch((error: unknown) => {
        this.#parts.log.error({ err: error }, 'download_status.json cannot be written');
      });
    }, SAVE_DELAY_MS);
  }

  #save(): Promise<void> {
    this.#saveTimer = undefined;
    return this.#saving.run(() => this.#parts.archive.save(this.list().map(({ record }) => record)));
  }
}

function queryOf(ref: TransferRef): string {
  switch (ref.kind) {
    case 'infohash':
      return ref.infohash;
    case 'prefix':
      return ref.prefix;
    case 'name':
      return ref.name;
  }
}

function newRecord(what: {
  infohash: InfoHash;
  name: string;
  size: number;
  origin: boolean;
  location: string;
}): TransferRecord {
  return {
    infohash: what.infohash,
    name: what.name,
    goal: 'run',
    reason: '',
    origin: what.origin,
    location: what.location,
    complete: false,
    inPlace: what.origin,
    fingerprint: '',
    bytesTotal: what.size,
    bytesDone: 0,
    bytesDownloaded: 0,
    bytesUploaded: 0,
    bytesWasted: 0,
    addedAtMs: Date.now(),
    completedAtMs: 0,
    activeMs: 0,
    peers: [],
  };
}
