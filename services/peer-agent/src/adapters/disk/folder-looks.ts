import { sleep } from '@enjambre/common/async/sleep';

export interface FolderLooksInit {
  /** Timeout after which a file system counts as silent, such as a network file system whose server is unreachable. */
  readonly waitMs: number;
  /** A result is reused for this long. */
  readonly keepMs: number;
}

interface Look<T> {
  readonly done: Promise<T>;
  /** Set when it is done. */
  result: { readonly found: T } | undefined;
  isSilent: boolean;
}

/**
 * Queries folders, each at most once at a time: a hanging query occupies one of the system's few threads, and no caller
 * waits for it a second time.
 */
export class FolderLooks<T> {
  readonly #looks = new Map<string, Look<T>>();

  /** @param look must not throw */
  constructor(
    private readonly look: (folder: string) => Promise<T>,
    private readonly init: FolderLooksInit,
  ) {}

  /** Undefined if the file system is silent. */
  async at(folder: string): Promise<{ readonly found: T } | undefined> {
    const look = this.#looks.get(folder) ?? this.#begin(folder);
    if (look.result || look.isSilent) return look.result;
    const end = new AbortController();
    const silence = sleep(this.init.waitMs, end.signal).then(() => {
      if (!end.signal.aborted) look.isSilent = true;
      return undefined;
    });
    return Promise.race([look.done.then((found) => ({ found })), silence]).finally(() => {
      end.abort();
    });
  }

  #begin(folder: string): Look<T> {
    const done = this.look(folder);
    const look: Look<T> = { done, result: undefined, isSilent: false };
    this.#looks.set(folder, look);
    const forget = (): void => void this.#looks.delete(folder);
    void done.then((found) => {
      look.result = { found };
      if (this.init.keepMs === 0 || look.isSilent) forget();
      else setTimeout(forget, this.init.keepMs).unref();
    });
    return look;
  }
}
