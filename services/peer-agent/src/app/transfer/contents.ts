import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash } from '@enjambre/core/ids';
import type { TorrentInfo } from '@enjambre/core/metainfo-parse';
import { quote } from '@enjambre/core/quote';
import type { Identity } from '../agent/identity.js';
import { MetainfoSearch } from '../download/metainfo-search.js';
import { checkPatterns, prepareMatch, type SelectPatterns } from '../select-files.js';
import { wantedOf, type DownloadSource } from './download-source.js';
import type { KeyedSerial } from './keyed-serial.js';
import type { Transfer } from './transfer.js';
import type { TransferComponents } from './transfer-components.js';
import type { TransferLookup } from './transfer-lookup.js';

export interface ContentsComponents extends Pick<
  TransferComponents,
  'clock' | 'connector' | 'random' | 'tracker' | 'archive'
> {
  readonly lookup: TransferLookup;
  readonly at: (infohash: InfoHash) => Pick<Transfer, 'state'> | undefined;
  /** Serialises the addition of transfers, whose own search for the metainfo would end this one. */
  readonly infohashes: KeyedSerial<InfoHash>;
}

/** What is in a shared file or folder. */
export interface Contents {
  readonly info: TorrentInfo;
  /** Whether a file is selected, by its index. */
  readonly isSelected: (file: number) => boolean;
}

/** How long a request with a selection waits for the metainfo. */
const PATIENCE_MS = 5000;

/** Finds out what is in shared content, without downloading it. */
export class ContentsLookup {
  constructor(private readonly parts: ContentsComponents) {}

  /**
   * Throws as {@link TransferLookup.identify}, {@link checkPatterns} and {@link prepareMatch} do, and `unavailable` NO_METAINFO if `signal` aborts before a peer has sent the metainfo.
   */
  async find(
    source: DownloadSource,
    { publisher, select }: { readonly publisher: string; readonly select: SelectPatterns },
    signal: AbortSignal,
  ): Promise<Contents> {
    checkPatterns(select);
    const { ref, info: given } = await wantedOf(source);
    const info = given ?? (await this.#fetch(await this.parts.lookup.identify(ref, publisher), signal));
    return { info, isSelected: await prepareMatch(info, select) };
  }

  /**
   * Throws as {@link prepareMatch} does if new content has no such files: then no failed transfer is left. Peers that
   * do not answer soon leave that to the transfer.
   */
  async checkSelects(found: Identity, select: SelectPatterns): Promise<void> {
    if (select.length === 0 || this.parts.at(found.infohash)) return;
    const late = new AbortController();
    const timer = this.parts.clock.after(PATIENCE_MS, () => late.abort());
    const info = await this.#fetch(found, late.signal).catch(() => undefined);
    timer.cancel();
    if (info) await prepareMatch(info, select);
  }

  #fetch(
    { infohash, name }: { readonly infohash: InfoHash; readonly name: string },
    signal: AbortSignal,
  ): Promise<TorrentInfo> {
    const { archive, infohashes, at, tracker, ...parts } = this.parts;
    return infohashes.run([infohash], async () => {
      const known = await archive.readMetainfo(infohash);
      if (known) return known;
      // Its own search for the metainfo would end this one.
      if (at(infohash)?.state === 'resolving') throw notKnown(name);
      const found = await new MetainfoSearch({ ...parts, infohash }).run(tracker, signal);
      if (!found) throw noMetainfo(name);
      return found;
    });
  }
}

function notKnown(name: string): EnjambreError {
  const message = `the files in ${quote(name)} are not known yet: its transfer is looking for a peer that knows them`;
  return new EnjambreError('unavailable', 'NO_METAINFO', message);
}

function noMetainfo(name: string): EnjambreError {
  const message = `no peer has sent the list of files in ${quote(name)} in time: try again`;
  return new EnjambreError('unavailable', 'NO_METAINFO', message);
}
