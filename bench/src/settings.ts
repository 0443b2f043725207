import { accessSync, constants, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { readOrExit, type NumberSetting } from '@enjambre/common/config/settings';
import { EnjambreError } from '@enjambre/core/error';

/**
 * The settings of a benchmark, from the environment. Each is to be read before anything starts: one that is bad ends the process with 2,
 * and a line that says what it may be.
 */

/** A whole number, from 1 if `least` is not given. */
export function numberSetting(name: string, range: NumberSetting): number {
  return readOrExit((settings) => settings.wholeNumber(name, range));
}

/** Some of `known`, with commas. @param fallback all of them by default */
export function listSetting<T extends string>(
  name: string,
  known: readonly T[],
  fallback = known,
): readonly T[] {
  return readOrExit((settings) => settings.choices(name, known, fallback));
}

/** Whole numbers with commas. */
export function numbersSetting(name: string, fallback: readonly number[], most: number): readonly number[] {
  return readOrExit((settings) => settings.wholeNumbers(name, { default: fallback, most }));
}

/** How often each contender has its turn. */
export function roundsSetting(): number {
  return numberSetting('BENCH_ROUNDS', { default: 5, most: 1000 });
}

/** Of the file that is moved. A terabyte is more than any disk here has room for: that is looked at when it is made. */
export function mibSetting(fallback: number): number {
  return numberSetting('BENCH_MIB', { default: fallback, most: 1 << 20 });
}

/** The kinds of folder that there are to download to. */
const FOLDERS = ['disk', 'memory'] as const;
export type FolderKind = (typeof FOLDERS)[number];

/** Where folders of a kind are made. BENCH_DISK_DIR and BENCH_MEMORY_DIR say otherwise. */
export function folderOf(kind: FolderKind): string {
  const memory = kind === 'memory';
  const name = memory ? 'BENCH_MEMORY_DIR' : 'BENCH_DISK_DIR';
  const folder = process.env[name];
  if (folder === undefined || folder === '') return memory ? '/dev/shm' : tmpdir();
  return readOrExit(() => writable(name, folder));
}

/** The folders of a benchmark that uses both kinds. BENCH_FOLDERS says otherwise. */
export function foldersSetting(): readonly { readonly kind: FolderKind; readonly folder: string }[] {
  return listSetting('BENCH_FOLDERS', FOLDERS).map((kind) => ({ kind, folder: folderOf(kind) }));
}

/** The only kind of folder of a benchmark that uses one. */
export function folderSetting(name: string, fallback: FolderKind): string {
  return folderOf(readOrExit((settings) => settings.choice(name, FOLDERS, fallback)));
}

function writable(name: string, folder: string): string {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    if (statSync(folder).isDirectory()) return folder;
  } catch {
    // Not there, or not ours: the same to whoever wants to write there.
  }
  const message = `${name} must be a folder that can be written to, but is ${JSON.stringify(folder)}`;
  throw new EnjambreError('invalid', 'BAD_SETTING', message);
}
