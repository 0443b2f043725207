import { turns } from '@enjambre/common/async/turns';
import type { Logger } from '@enjambre/common/log/logger';
import type { InfoHash } from '@enjambre/core/ids';
import type { OwnPublication } from '../../domain/publication.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { PublishedName, PublishedNameArchive } from '../ports/archives.js';
import type { PublicationSigner } from '../ports/tracker.js';

type Shared = Pick<TransferRecord, 'infohash' | 'name' | 'published'>;

interface Newest {
  readonly infohash: InfoHash;
  readonly published: OwnPublication;
}

export interface OwnPublicationsComponents {
  readonly signer: PublicationSigner;
  readonly numbers: PublishedNameArchive;
  readonly log: Logger;
  readonly transfers: ReadonlyMap<InfoHash, { readonly record: Pick<TransferRecord, 'origin' | 'goal'> }>;
}

/** Names remembered whose newest content was removed; the oldest are forgotten first. */
const MAX_REMEMBERED = 1000;

/** Numbers and signs what this agent shares: each content that it gives a name is the next version of that name. */
export class OwnPublications {
  readonly #newest = new Map<string, Newest>();

  /** Those of the newest whose content was removed. */
  readonly #removed = new Map<string, PublishedName>();
  #isUnsaved = false;
  #saving: Promise<void> | undefined;

  constructor(private readonly parts: OwnPublicationsComponents) {}

  /** Reads the last number of names whose newest content was removed. */
  async start(): Promise<void> {
    for (const its of await this.parts.numbers.load()) {
      this.#removed.set(keyOf(its.name), its);
      const { name, infohash, version, publishedAtMs, signed } = its;
      this.#note(name, { infohash, published: { version, publishedAtMs, signed } });
    }
  }

  async stop(): Promise<void> {
    await this.#saving;
  }

  /** Content is removed: its number stays. */
  removed({ infohash, name, published }: Shared): void {
    const newest = this.#newest.get(keyOf(name));
    if (!published || newest?.infohash !== infohash) return;
    this.#removed.delete(keyOf(name));
    this.#removed.set(keyOf(name), { name, infohash, ...published });
    const [oldest] = this.#removed.keys();
    if (this.#removed.size > MAX_REMEMBERED && oldest !== undefined) this.#removed.delete(oldest);
    this.#isUnsaved = true;
    this.#saving ??= this.#save().finally(() => (this.#saving = undefined));
  }

  async #save(): Promise<void> {
    while (this.#isUnsaved) {
      this.#isUnsaved = false;
      await this.parts.numbers.save([...this.#removed.values()]).catch((error: unknown) => {
        this.parts.log.warn({ err: error }, 'the last versions of removed files could not be saved');
      });
    }
  }

  /**
   * Completes stored records: shares of an older version of the agent are numbered in the order in which they were
   * shared.
   */
  async completed(records: readonly TransferRecord[]): Promise<TransferRecord[]> {
    for (const { infohash, name, published } of records)
      if (published) this.#note(name, { infohash, published });
    const completed = new Map<InfoHash, TransferRecord>();
    const unnumbered = records.filter(({ origin, published, name }) => origin && !published && name !== '');
    for (const record of unnumbered.sort((one, other) => one.addedAtMs - other.addedAtMs)) {
      completed.set(record.infohash, { ...record, published: this.#next(record, record.addedAtMs) });
      if (turns.isOver) await turns.next();
    }
    return records.map((record) => completed.get(record.infohash) ?? record);
  }

  /** The publication of content that is shared now: the newest version, unless it is shared again beside the newest. */
  publish(shared: Shared, nowMs: number): OwnPublication {
    const newest = this.#newest.get(keyOf(shared.name));
    if (newest?.infohash === shared.infohash) return newest.published;
    if (shared.published && newest && this.#isOffered(newest.infohash)) return shared.published;
    return this.#next(shared, nowMs);
  }

  /**
   * Signs a publication again, with a time that has come: its tracker refuses it as of the future, and the clock of this
   * machine says the same now. Its number stays, and the times of several stay in the order of their numbers. Undefined
   * if it is not of the future.
   */
  redated({ infohash, name, published }: Shared, nowMs: number): OwnPublication | undefined {
    const newest = this.#newest.get(keyOf(name));
    if (!published || !newest || published.publishedAtMs <= nowMs) return undefined;
    const { version } = published;
    const publishedAtMs =
      Math.min(nowMs, newest.published.publishedAtMs) - (newest.published.version - version);
    const signed = this.parts.signer.sign({ infohash, name, version, publishedAtMs });
    const redated = { version, publishedAtMs, signed };
    if (newest.published.version === version) this.#newest.set(keyOf(name), { infohash, published: redated });
    return redated;
  }

  #next({ infohash, name }: Shared, nowMs: number): OwnPublication {
    const newest = this.#newest.get(keyOf(name))?.published;
    const version = (newest?.version ?? 0) + 1;
    const publishedAtMs = Math.max(nowMs, (newest?.publishedAtMs ?? 0) + 1);
    const signed = this.parts.signer.sign({ infohash, name, version, publishedAtMs });
    const published = { version, publishedAtMs, signed };
    this.#note(name, { infohash, published });
    return published;
  }

  /** True if this agent offers the content now. */
  #isOffered(infohash: InfoHash): boolean {
    const { origin = false, goal = 'pause' } = this.parts.transfers.get(infohash)?.record ?? {};
    return origin && goal === 'run';
  }

  #note(name: string, latest: Newest): void {
    const present = this.#newest.get(keyOf(name))?.published;
    if (!present || present.version < latest.published.version) this.#newest.set(keyOf(name), latest);
    const removed = this.#removed.get(keyOf(name));
    if (removed && removed.version < latest.published.version) this.#removed.delete(keyOf(name));
  }
}

/** Equal for names that trackers do not distinguish. */
function keyOf(name: string): string {
  return name.normalize('NFC').trim();
}
