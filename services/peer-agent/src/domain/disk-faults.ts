/** Disk faults by the REASON of their errors: faults of one file, or of the machine, which affect every transfer. */
export const DISK_FAULTS: ReadonlyMap<string, 'file' | 'machine'> = new Map([
  ['DISK_FULL', 'machine'],
  ['PATH_DENIED', 'file'],
  ['READ_ONLY', 'machine'],
  ['FILE_MISSING', 'file'],
  ['FILE_CHANGED', 'file'],
  ['TOO_MANY_FILES', 'machine'],
  ['DISK_FAILED', 'machine'],
]);
