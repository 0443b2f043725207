import { isAbsolute, resolve } from 'node:path';

/** Base of relative paths; read only for these, since the folder may have been removed. */
export interface WorkingFolder {
  readonly cwd: string;
}

/** Resolves a path given by the user. */
export function pathFrom(folder: WorkingFolder, path: string): string {
  return isAbsolute(path) ? resolve(path) : resolve(folder.cwd, path);
}
