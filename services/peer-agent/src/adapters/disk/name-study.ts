import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Named } from '../../app/ports/store-factory.js';
import { looseName } from '../../app/transfer/targets.js';
import type { Rehearsal } from './rehearsal.js';

/** More pairs prove nothing more: a file system folds names, or does not. */
const MAX_PAIRS = 8;
/** Files examined before other tasks get a turn: a folder may have hundreds of thousands. */
const FILES_A_TURN = 1000;
/** Characters that some file systems reject in names; each is one kind. */
const ODD = /["*:<>?|\\\p{Cc}]|[. ]$/gu;

/**
 * The requirements of a download's names on a file system: for each odd character a name that has it, one with a
 * combining mark, one that is not ASCII, one beyond the first Unicode plane, and the longest; pairs in the same folder
 * that differ only in case, in Unicode form or in trailing dots; and the longest path that is needed if the download is
 * assembled in `assembly`.
 */
export async function studyNames(
  { name, files, isFolder }: Named,
  assembly: string,
): Promise<Pick<Rehearsal, 'names' | 'pairs' | 'longestPath'>> {
  const study = new NameStudy(name);
  for (const [index, { path }] of (isFolder ? files : []).entries()) {
    if (index % FILES_A_TURN === FILES_A_TURN - 1) await turn();
    study.take(path);
  }
  return { names: study.names, pairs: study.pairs, longestPath: join(assembly, study.longestPath) };
}

class NameStudy {
  longestPath = '';
  #longest: string;
  readonly #byKind = new Map<string, string>();
  readonly #pairs = new Map<string, readonly [string, string]>();
  /** By loose path, the first path that has it. */
  readonly #seen = new Map<string, string>();

  constructor(private readonly whole: string) {
    this.#longest = whole;
    this.#note(whole);
  }

  get names(): string[] {
    return [...new Set([this.whole, this.#longest, ...this.#byKind.values()])];
  }

  get pairs(): (readonly [string, string])[] {
    return [...this.#pairs.values()];
  }

  take(path: readonly string[]): void {
    const whole = path.join('/');
    if (byteLength(whole) > byteLength(this.longestPath)) this.longestPath = whole;
    let folder = '';
    for (const part of path) {
      const key = `${folder}/${looseName(part)}`;
      const other = this.#seen.get(key);
      if (other === undefined) {
        this.#seen.set(key, part);
        this.#note(part);
      } else if (other !== part && this.#pairs.size < MAX_PAIRS) this.#pairs.set(key, [other, part]);
      folder += `/${part}`;
    }
  }

  #note(name: string): void {
    if (byteLength(name) > byteLength(this.#longest)) this.#longest = name;
    for (const kind of kindsOf(name)) if (!this.#byKind.has(kind)) this.#byKind.set(kind, name);
  }
}

function* kindsOf(name: string): Iterable<string> {
  for (const [odd] of name.matchAll(ODD)) yield odd;
  if (/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name)) yield 'device';
  if (/^[ -~]*$/.test(name)) return;
  yield 'not ASCII';
  if (/\p{M}/u.test(name)) yield 'mark';
  if (/[\u{10000}-\u{10ffff}]/u.test(name)) yield 'beyond the first plane';
}

const byteLength = (text: string): number => Buffer.byteLength(text);
