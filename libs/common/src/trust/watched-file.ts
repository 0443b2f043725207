import { readFile, stat } from 'node:fs/promises';
import { errnoOf } from '../system-error.js';

const ABSENT = 'absent';

/** A file that is read again when it has changed. */
export class WatchedFile {
  /** The state in which it was read. */
  #seen = ABSENT;

  constructor(readonly path: string) {}

  /** Its text if it has changed since the last call; undefined also if it does not exist. Throws the system's errors. */
  async ifChanged(): Promise<string | undefined> {
    const state = await stateOf(this.path);
    if (state === this.#seen) return undefined;
    this.#seen = state;
    return state === ABSENT ? undefined : readFile(this.path, 'utf8');
  }

  /** Reads it again at the next call. */
  forget(): void {
    this.#seen = ABSENT;
  }
}

async function stateOf(path: string): Promise<string> {
  try {
    const { ctimeMs, ino, size } = await stat(path);
    return `${ctimeMs} ${ino} ${size}`;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return ABSENT;
    throw error;
  }
}
