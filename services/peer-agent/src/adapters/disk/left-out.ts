import { escapeHidden } from '@enjambre/core/quote';
import type { LeftOut, LeftOutEntry, LeftOutWhy } from '../../app/ports/sharing.js';

/** Maximum number of entries listed per kind; the rest is only counted. */
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

/** Collects the entries of a folder that are not shared. */
export class LeftOutList {
  readonly #entries: LeftOutEntry[] = [];
  readonly #counts = { links: 0, emptyFolders: 0, others: 0, unsupported: 0, incomplete: 0 };

  /** @param fault what is wrong with the name */
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

  /** Listed entries with names that a torrent cannot contain. */
  get unsupported(): readonly LeftOutEntry[] {
    return this.#entries.filter(({ why }) => why === 'name');
  }
}
