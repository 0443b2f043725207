import { escapeHidden } from '@enjambre/core/quote';
import type { LeftOut, LeftOutEntry, LeftOutWhy } from '../../app/ports/sharing.js';

/** So many are named; the rest is counted. */
const MAX_NAMED = 100;

const COUNTED = {
  link: 'links',
  outside: 'links',
  dangling: 'links',
  loop: 'links',
  special: 'others',
  incomplete: 'incomplete',
  name: 'unsupported',
} as const satisfies Record<LeftOutWhy, keyof LeftOut>;

/** Collects what a folder holds that is not shared. */
export class LeftOutList {
  readonly #entries: LeftOutEntry[] = [];
  readonly #counts = { links: 0, emptyFolders: 0, others: 0, unsupported: 0, incomplete: 0 };

  /** @param fault what is wrong with a name */
  add(why: LeftOutWhy, path: readonly string[], fault = ''): void {
    this.#counts[COUNTED[why]] += 1;
    const ofKind = this.#entries.filter((entry) => COUNTED[entry.why] === COUNTED[why]).length;
    if (ofKind < MAX_NAMED) this.#entries.push({ path: escapeHidden(path.join('/')), why, fault });
  }

  emptyFolder(): void {
    this.#counts.emptyFolders += 1;
  }

  get summary(): LeftOut {
    return { ...this.#counts, entries: this.#entries };
  }

  /** Those that no torrent can hold, as far as they are named. */
  get unsupported(): readonly LeftOutEntry[] {
    return this.#entries.filter(({ why }) => why === 'name');
  }
}
