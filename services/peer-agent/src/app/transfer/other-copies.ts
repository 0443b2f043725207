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

/** A copy that could not be looked at. */
interface Failure {
  /** How it looked. */
  readonly look: string | undefined;
  readonly count: number;
  /** Not before is it tried again, if it looks the same. */
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

/** Until a copy that could not be read is tried again; twice as long after each failure. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 3_600_000;

/** Copies of a transfer's content besides the one in use. */
export class OtherCopies {
  readonly #candidates: readonly Candidate[];
  /** How each looked when it was found to be something else, or was seen for the first time. */
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

  /** One that is intact: one that looks as it did if there is one, else one that is hashed. */
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

  /** What to wait for instead of the copy in use, which is something else now; undefined if there is no other. */
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

  /** Those that look as they did first: nothing has to be hashed of them. */
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
      `${path}, another copy, cannot be read and is tried again later: ${messageOf(error)}`,
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
