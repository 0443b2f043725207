import { accessSync, constants, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { readOrExit, type NumberSetting } from '@enjambre/common/config/settings';
import { EnjambreError } from '@enjambre/core/error';

/**
 * The settings of a benchmark, from the environment. Read each one before anything starts: an invalid one ends the
 * process with exit code 2 and a line with the valid values.
 */

/** An integer, at least `least`, 1 by default. */
export function numberSetting(name: string, range: NumberSetting): number {
  return readOrExit((settings) => settings.wholeNumber(name, range));
}

/** A comma-separated list of `known` values. @param fallback all of them by default */
export function listSetting<T extends string>(
  name: string,
  known: readonly T[],
  fallback = known,
): readonly T[] {
  return readOrExit((settings) => settings.choices(name, known, fallback));
}

/** A comma-separated list of integers. */
export function numbersSetting(name: string, fallback: readonly number[], most: number): readonly number[] {
  return readOrExit((settings) => settings.wholeNumbers(name, { default: fallback, most }));
}

/** Number of rounds of each program. */
export function roundsSetting(): number {
  return numberSetting('BENCH_ROUNDS', { default: 5, most: 1000 });
}

/** Size of the transferred file, at most a terabyte. The free space is checked when the file is created. */
export function mibSetting(fallback: number): number {
  return numberSetting('BENCH_MIB', { default: fallback, most: 1 << 20 });
}

/** Kinds of download folders. */
const FOLDERS = ['disk', 'memory'] as const;
export type FolderKind = (typeof FOLDERS)[number];

/** Parent of the folders of a kind; BENCH_DISK_DIR and BENCH_MEMORY_DIR override it. */
export function folderOf(kind: FolderKind): string {
  const memory = kind === 'memory';
  const name = memory ? 'BENCH_MEMORY_DIR' : 'BENCH_DISK_DIR';
  const folder = process.env[name];
  if (folder === undefined || folder === '') return memory ? '/dev/shm' : tmpdir();
  return readOrExit(() => writable(name, folder));
}

/** The folders of a benchmark that uses both kinds; BENCH_FOLDERS overrides them. */
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
    // Missing or not ours: in both cases it is not writable.
  }
  const message = `${name} must be a writable folder, but is ${JSON.stringify(folder)}`;
  throw new EnjambreError('invalid', 'BAD_SETTING', message);
}
