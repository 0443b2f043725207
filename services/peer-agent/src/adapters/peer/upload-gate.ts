import type { UploadAllowance } from '../../domain/upload/upload-allowance.js';
import type { BlockPlace } from '../../domain/upload/chosen-blocks.js';

/** What goes of a block in one message. */
export interface Part extends BlockPlace {
  /** Bytes of the block after it. */
  readonly left: number;
}

interface Waiter {
  readonly allowance: UploadAllowance;
  readonly bytes: number;
  readonly isWanted: () => boolean;
  readonly resolve: (isTaken: boolean) => void;
}

/** A limit that was changed is felt after so long at most. */
const MAX_WAIT_MS = 100;
const MIN_WAIT_MS = 1;

/** Holds back what limits do not let out yet, and says when to try again. */
export class UploadGate {
  readonly #waiters = new Set<Waiter>();
  /** Those that were refused since the last time. */
  readonly #refused = new Set<UploadAllowance>();
  #timer: NodeJS.Timeout | undefined;

  /** @param freed called when those that were refused may ask again */
  constructor(private readonly freed: () => void) {}

  /** True if a block may be begun now. If a limit is why not, `freed` is called when it may. */
  mayBegin(allowance: UploadAllowance): boolean {
    if (allowance.isBusy) return false;
    if (allowance.isUnlimited) return true;
    if (allowance.mayTake(performance.now())) return true;
    this.#refused.add(allowance);
    this.#arm();
    return false;
  }

  /** True if a block that may be begun goes in one message, as all do without a limit: its bytes are taken, as in {@link parts}. */
  takeWhole({ length }: BlockPlace, allowance: UploadAllowance): boolean {
    if (length > allowance.partLength) return false;
    allowance.take(length);
    return true;
  }

  /**
   * A block that may be begun, in the parts in which limits let it out: the first at once,
   * each other when its turn has come and if it is still wanted then. Bytes of the first
   * are taken before this returns, those of each other before it is given: who gets them says when they have moved.
   */
  parts(
    place: BlockPlace,
    allowance: UploadAllowance,
    isWanted: () => boolean,
  ): AsyncGenerator<Part, void, undefined> {
    const first = partOf(place, place.begin, allowance.partLength);
    allowance.take(first.length);
    if (first.left > 0) allowance.isBusy = true;
    return this.#rest(place, first, { allowance, isWanted });
  }

  async *#rest(
    place: BlockPlace,
    first: Part,
    { allowance, isWanted }: Pick<Waiter, 'allowance' | 'isWanted'>,
  ): AsyncGenerator<Part, void, undefined> {
    try {
      for (let part = first; ;) {
        yield part;
        if (part.left === 0) return;
        part = partOf(place, part.begin + part.length, allowance.partLength);
        if (!(await this.#turn({ allowance, bytes: part.length, isWanted }))) return;
      }
    } finally {
      if (first.left > 0) allowance.isBusy = false;
    }
  }

  /** Lets go who may: what has begun comes before what has not. */
  release(): void {
    if (this.#waiters.size === 0) return;
    const nowMs = performance.now();
    for (const waiter of this.#waiters) {
      const { allowance, bytes, isWanted, resolve } = waiter;
      const isTaken = isWanted();
      if (isTaken && !allowance.mayTake(nowMs)) continue;
      if (isTaken) allowance.take(bytes);
      this.#waiters.delete(waiter);
      resolve(isTaken);
    }
    if (this.#waiters.size > 0) this.#arm();
  }

  /** Resolves when the bytes may be sent, and were taken; with false if they are no longer wanted then. */
  #turn(waiter: Omit<Waiter, 'resolve'>): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiters.add({ ...waiter, resolve });
      this.release();
    });
  }

  #arm(): void {
    if (this.#timer) return;
    const nowMs = performance.now();
    let waitMs = MAX_WAIT_MS;
    for (const { allowance } of this.#waiters) waitMs = Math.min(waitMs, allowance.waitMs(nowMs));
    for (const allowance of this.#refused) waitMs = Math.min(waitMs, allowance.waitMs(nowMs));
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#refused.clear();
        this.release();
        this.freed();
      },
      Math.max(MIN_WAIT_MS, waitMs),
    ).unref();
  }
}

function partOf(place: BlockPlace, begin: number, atMost: number): Part {
  const rest = place.begin + place.length - begin;
  const length = Math.min(rest, atMost);
  return { piece: place.piece, begin, length, left: rest - length };
}
