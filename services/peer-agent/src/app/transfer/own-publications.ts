import type { InfoHash } from '@enjambre/core/ids';
import type { OwnPublication } from '../../domain/publication.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { PublicationSigner } from '../ports/tracker.js';

type Shared = Pick<TransferRecord, 'infohash' | 'name' | 'published'>;

interface Newest {
  readonly infohash: InfoHash;
  readonly published: OwnPublication;
}

/** Numbers and signs what this agent shares: each content that it gives a name is the next version of that name. */
export class OwnPublications {
  readonly #newest = new Map<string, Newest>();

  constructor(
    private readonly signer: PublicationSigner,
    /** True if this agent offers the content now. */
    private readonly isOffered: (infohash: InfoHash) => boolean,
  ) {}

  /**
   * Completes stored records: shares of an older version of the agent are numbered in the order in which they were
   * shared.
   */
  completed(records: readonly TransferRecord[]): TransferRecord[] {
    for (const { infohash, name, published } of records)
      if (published) this.#note(name, { infohash, published });
    const completed = new Map<InfoHash, TransferRecord>();
    const unnumbered = records.filter(({ origin, published, name }) => origin && !published && name !== '');
    for (const record of unnumbered.sort((one, other) => one.addedAtMs - other.addedAtMs))
      completed.set(record.infohash, { ...record, published: this.#next(record, record.addedAtMs) });
    return records.map((record) => completed.get(record.infohash) ?? record);
  }

  /** The publication of content that is shared now: the newest version, unless it is shared again beside the newest. */
  publish(shared: Shared, nowMs: number): OwnPublication {
    const newest = this.#newest.get(keyOf(shared.name));
    if (newest?.infohash === shared.infohash) return newest.published;
    if (shared.published && newest && this.isOffered(newest.infohash)) return shared.published;
    return this.#next(shared, nowMs);
  }

  #next({ infohash, name }: Shared, nowMs: number): OwnPublication {
    const newest = this.#newest.get(keyOf(name))?.published;
    const version = (newest?.version ?? 0) + 1;
    const publishedAtMs = Math.max(nowMs, (newest?.publishedAtMs ?? 0) + 1);
    const signed = this.signer.sign({ infohash, name, version, publishedAtMs });
    const published = { version, publishedAtMs, signed };
    this.#note(name, { infohash, published });
    return published;
  }

  #note(name: string, latest: Newest): void {
    const present = this.#newest.get(keyOf(name))?.published;
    if (!present || present.version < latest.published.version) this.#newest.set(keyOf(name), latest);
  }
}

/** Equal for names that trackers do not distinguish. */
function keyOf(name: string): string {
  return name.normalize('NFC').trim();
}
