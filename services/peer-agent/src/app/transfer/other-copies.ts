import { doubled } from '@enjambre/core/backoff';
import { messageOf } from '@enjambre/core/error';
import type { Logger } from '@enjambre/common/log/logger';
import { pathOfCopy, usingCopy } from '../../domain/copies.js';
import type { ContentCopy, TransferRecord } from '../../domain/transfer-record.js';
import { openContent, type Content } from '../content.js';
import { isWhole, takeInventory, type Inventory, type InventoryOptions } from './inventory.js';
import type { StoreFactory } from '../ports/store-factory.js';
import type { Clock } from '@enjambre/common/async/clock';

interface Candidate {
  readonly record: TransferRecord;
  readonly content: Content;
  readonly change: Partial<TransferRecord>;
  readonly path: string;
}

/** Failed reads of a copy. */
interface Failure {
  /** Its `look` at that time; see {@link Survey}. */
  readonly look: string | undefined;
  readonly count: number;
  /** If its `look` is the same, it is not retried before this time. */
  readonly untilMs: number;
}

interface FoundCopy extends Inventory {
  readonly isOther: false;
  readonly change: Partial<TransferRecord>;
}

export interface OtherCopiesParts {
  readonly clock: Clock;
  readonly stores: StoreFactory;
  readonly log: Logger;
}

/** Delay until an unreadable copy is retried; doubles after each failure. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 3_600_000;

/** Copies of a transfer's content besides the one in use. */
export class OtherCopies {
  readonly #candidates: readonly Candidate[];
  /** The `look` of each copy, by path: when it was found not to be intact, and when it was last surveyed. */
  readonly #refused = new Map<string, string>();
  readonly #seen = new Map<string, string>();
  readonly #failures = new Map<string, Failure>();

  constructor(
    private readonly parts: OtherCopiesParts,
    { metainfo }: Content,
    record: TransferRecord,
  ) {
    this.#candidates = record.copies.map((copy) => {
      const change = usingCopy(record, copy, true);
      return { ...this.#open(metainfo, record, change), path: pathOfCopy(copy, record.name) };
    });
  }

  /** Finds an intact copy: preferably an unchanged one, otherwise by hashing. */
  async find(options: InventoryOptions & { readonly waited: boolean }): Promise<FoundCopy | undefined> {
    for (const candidate of await this.#inOrder()) {
      if (options.signal.aborted) return undefined;
      const found = await this.#check(candidate, options).catch((error: unknown) => {
        if (!options.signal.aborted) this.#failed(candidate, error);
        return undefined;
      });
      if (found) return found;
    }
    return undefined;
  }

  /** The copy to wait for instead of the one in use, which has changed; undefined if there is no other. */
  afterLosing(record: TransferRecord): Pick<Candidate, 'content' | 'change'> | undefined {
    const [first] = this.#candidates;
    const [copy] = record.copies;
    return first && copy && this.#open(first.content.metainfo, record, usingCopy(record, copy, false));
  }

  #open(
    metainfo: Content['metainfo'],
    record: TransferRecord,
    change: Partial<TransferRecord>,
  ): Omit<Candidate, 'path'> {
    const changed = { ...record, ...change };
    return { record: changed, content: openContent(metainfo, changed, this.parts.stores), change };
  }

  /** Unchanged copies first: these need no hashing. */
  async #inOrder(): Promise<Candidate[]> {
    const asNoted = await Promise.all(this.#candidates.map(looksAsItDid));
    return [
      ...this.#candidates.filter((_, index) => asNoted[index]),
      ...this.#candidates.filter((_, index) => !asNoted[index]),
    ];
  }

  async #check(
    { content, record, change, path }: Candidate,
    options: InventoryOptions & { readonly waited: boolean },
  ): Promise<FoundCopy | undefined> {
    const { absent, look } = await content.store.survey();
    const isSteady = !options.waited || this.#seen.get(path) === look;
    this.#seen.set(path, look);
    if (absent !== undefined || !isSteady || this.#refused.get(path) === look) return undefined;
    if (this.#isToRest(path, look)) return undefined;
    const inventory = await takeInventory(content, record, options);
    if (options.signal.aborted) return undefined;
    if (await isWhole(inventory)) return { ...inventory, isOther: false, change };
    this.#refused.set(path, look);
    return undefined;
  }

  #isToRest(path: string, look: string): boolean {
    const failure = this.#failures.get(path);
    return failure?.look === look && this.parts.clock.nowMs() < failure.untilMs;
  }

  #failed({ path }: Candidate, error: unknown): void {
    const look = this.#seen.get(path);
    const before = this.#failures.get(path);
    const isSame = before !== undefined && before.look === look;
    const count = isSame ? before.count + 1 : 0;
    const restMs = doubled(RETRY_MS, count, MAX_RETRY_MS);
    this.#failures.set(path, { look, count, untilMs: this.parts.clock.nowMs() + restMs });
    if (isSame) return;
    this.parts.log.warn(
      { err: error },
      `${path}, another copy, cannot be read and is retried later: ${messageOf(error)}`,
    );
  }
}

function looksAsItDid({ content, record }: Candidate): Promise<boolean> {
  const { fingerprint }: ContentCopy = record;
  return content.store.fingerprint().then(
    (now) => now !== undefined && now === fingerprint,
    () => false,
  );
}
