import { isAbsolute, resolve } from 'node:path';

/** Where relative paths begin; asked only for these, since it may have been removed. */
export interface WorkingFolder {
  readonly cwd: string;
}

/** The absolute form of a path that a person gave. */
export function pathFrom(folder: WorkingFolder, path: string): string {
  return isAbsolute(path) ? resolve(path) : resolve(folder.cwd, path);
}
