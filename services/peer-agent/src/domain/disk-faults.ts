/** Faults of a disk, by the reasons of their errors: of one file, or of the machine, which every transfer meets. */
export const DISK_FAULTS: ReadonlyMap<string, 'file' | 'machine'> = new Map([
  ['DISK_FULL', 'machine'],
  ['PATH_DENIED', 'file'],
  ['READ_ONLY', 'machine'],
  ['FILE_MISSING', 'file'],
  ['FILE_CHANGED', 'file'],
  ['TOO_MANY_FILES', 'machine'],
  ['DISK_FAILED', 'machine'],
]);
