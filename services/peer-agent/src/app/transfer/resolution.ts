import type { TransferRecord } from '../../domain/transfer-record.js';
import { openContent, type Content } from '../content.js';
import { MetainfoSearch } from '../download/metainfo-search.js';
import { settleName } from './target-claim.js';
import type { TransferComponents } from './transfer-components.js';

type Parts = Pick<
  TransferComponents,
  'clock' | 'tracker' | 'connector' | 'random' | 'claim' | 'stores' | 'archive'
>;

/** Fetches the metainfo of a download from its swarm, then settles the download's name and target. */
export class Resolution {
  #search: MetainfoSearch | undefined;

  constructor(private readonly parts: Parts) {}

  /** Why the search makes no progress, for people; undefined while none is running. */
  get problem(): string | undefined {
    return this.#search?.problem;
  }

  /** Undefined if `signal` aborted. Throws as {@link MetainfoSearch.run} and {@link settleName} do. */
  async run(
    before: TransferRecord,
    signal: AbortSignal,
  ): Promise<{ record: TransferRecord; content: Content } | undefined> {
    const { clock, tracker, connector, random, stores } = this.parts;
    this.#search = new MetainfoSearch({ clock, connector, random, infohash: before.infohash });
    const metainfo = await this.#search.run(tracker, signal);
    this.#search = undefined;
    if (!metainfo) return undefined;
    const record = await settleName(metainfo, before, this.parts);
    return { record, content: openContent(metainfo, record, stores) };
  }
}
