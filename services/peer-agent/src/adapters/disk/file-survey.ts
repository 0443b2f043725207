import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Survey } from '../../app/ports/piece-store.js';
import type { Selection } from '../../domain/selection.js';
import { diskError, isAbsence } from './disk-errors.js';

export interface FileSurveyInit {
  /** The files that are checked, unless others are given. */
  readonly selection: Pick<Selection, 'files'>;
  readonly pathOf: (file: number) => string;
}

/** Files checked concurrently: more than the system has threads for it. */
const AT_ONCE = 64;

/**
 * Checks which files of a transfer exist. The missing file of the previous check is checked first: while it is missing,
 * a check costs one look.
 */
export class FileSurvey {
  #suspect = 0;

  constructor(private readonly init: FileSurveyInit) {}

  /** Throws errors other than a missing file, as {@link diskError} converts them. */
  async run(files: Iterable<number> = this.init.selection.files()): Promise<Survey> {
    const order = [...files];
    if (order.includes(this.#suspect)) order.unshift(this.#suspect);
    const hash = createHash('sha256');
    for (let from = 0; from < order.length; from += from === 0 ? 1 : AT_ONCE) {
      const some = order.slice(from, from === 0 ? 1 : from + AT_ONCE);
      for (const [index, look] of (await Promise.all(some.map(this.#look))).entries()) {
        if (look === undefined) {
          this.#suspect = some[index] ?? 0;
          return { absent: this.init.pathOf(this.#suspect), look: '' };
        }
        hash.update(`${look}\n`);
      }
    }
    return { look: hash.digest('hex') };
  }

  readonly #look = async (file: number): Promise<string | undefined> => {
    const path = this.init.pathOf(file);
    try {
      const { size, mtimeNs, ino } = await stat(path, { bigint: true });
      return `${size} ${mtimeNs} ${ino}`;
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw diskError(error, path);
    }
  };
}
