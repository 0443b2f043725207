import * as system from 'node:fs/promises';

/** The calls that file systems may refuse, each in its own way: tests substitute a strange file system. */
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
