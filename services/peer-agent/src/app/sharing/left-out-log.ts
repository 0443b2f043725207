import type { Logger } from '@enjambre/common/log/logger';
import type { LeftOut, LeftOutEntry, LeftOutWhy } from '../ports/sharing.js';

const TEXTS: Readonly<Record<LeftOutWhy, string>> = {
  link: 'is a symbolic link, which is not followed',
  outside: 'is a symbolic link that leads out of the shared folder',
  dangling: 'is a symbolic link without a target',
  loop: 'is a symbolic link to a folder that contains it',
  incomplete: 'contains downloads in progress',
  special: 'is a socket, pipe or device',
  name: '',
};

/** The setting that would include an entry, by the reason for leaving it out. */
export type LeftOutHints = Readonly<Partial<Record<LeftOutWhy, string>>>;

/** Logs which parts of the shared folder's entries are not shared, each part once. */
export class LeftOutLog {
  /** Logged texts, by entry. */
  readonly #told = new Map<string, ReadonlySet<string>>();

  /** @param hints appended to the log lines */
  constructor(
    private readonly log: Logger,
    private readonly hints: LeftOutHints,
  ) {}

  tell(name: string, { links, unsupported, others, incomplete, entries }: LeftOut): void {
    const texts = entries.map((entry) => this.#textOf(name, entry));
    const more = links + unsupported + others + incomplete - entries.length;
    if (more > 0) texts.push(`not shared: ${more} more in ${name}`);
    const before = this.#told.get(name);
    for (const text of texts) if (before?.has(text) !== true) this.log.warn({}, text);
    if (texts.length === 0) this.#told.delete(name);
    else this.#told.set(name, new Set(texts));
  }

  forget(name: string): void {
    this.#told.delete(name);
  }

  #textOf(name: string, { path, why, fault }: LeftOutEntry): string {
    const hint = this.hints[why] === undefined ? '' : ` (${this.hints[why]})`;
    return `not shared: ${name}/${path} ${why === 'name' ? `has a name that ${fault}` : TEXTS[why]}${hint}`;
  }
}
