import * as system from 'node:fs/promises';

/** The calls that file systems refuse each in its own way: tests put a strange file system between. */
export type DiskFiles = Pick<
  typeof system,
  | 'chmod'
  | 'link'
  | 'lstat'
  | 'mkdir'
  | 'open'
  | 'readdir'
  | 'realpath'
  | 'rename'
  | 'rm'
  | 'rmdir'
  | 'stat'
  | 'statfs'
  | 'unlink'
>;

export const SYSTEM_FILES: DiskFiles = system;
