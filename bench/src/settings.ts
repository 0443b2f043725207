import { tmpdir } from 'node:os';

/** A whole number above 0 from the environment. Throws if it is anything else. */
export function numberSetting(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${name} must be a whole number above 0, not "${text}"`);
  return Number(text);
}

/** Some of `known`, with commas, from the environment. Throws if one is not known. */
export function listSetting<T extends string>(
  name: string,
  known: readonly T[],
  fallback = known,
): readonly T[] {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  return text.split(',').map((wanted) => {
    const found = known.find((one) => one === wanted.trim());
    if (found === undefined) throw new Error(`${name}: "${wanted}" is none of ${known.join(', ')}`);
    return found;
  });
}

/** Whole numbers above 0, with commas, from the environment. */
export function numbersSetting(name: string, fallback: readonly number[]): readonly number[] {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  if (!/^[1-9]\d*(,[1-9]\d*)*$/.test(text))
    throw new Error(`${name} must be numbers with commas, not "${text}"`);
  return text.split(',').map(Number);
}

/** How often each contender has its turn. */
export function roundsSetting(): number {
  return numberSetting('BENCH_ROUNDS', 5);
}

/** The kinds of folder that there are to download to. */
export const FOLDERS = ['disk', 'memory'] as const;
export type FolderKind = (typeof FOLDERS)[number];

/** Where folders of a kind are made. BENCH_DISK_DIR and BENCH_MEMORY_DIR say otherwise. */
export function folderOf(kind: FolderKind): string {
  if (kind === 'memory') return process.env['BENCH_MEMORY_DIR'] ?? '/dev/shm';
  return process.env['BENCH_DISK_DIR'] ?? tmpdir();
}
