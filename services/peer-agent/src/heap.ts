import { setFlagsFromString } from 'node:v8';

/**
 * So many percent of what is alive may be added before all of it is looked through: enough for large files, and a
 * download of many small ones, which lets objects grow old that die soon after, keeps to the bound on memory.
 */
const GROWTH_PERCENT = 100;

/**
 * Has V8 collect less often, for a process that moves files. It counts the network's buffers, which live for
 * milliseconds, as growth of a heap of some 20 MB, and by default looks through all of that every 30 ms on
 * several threads (docs/adr/0009-data-plane.md).
 */
export function tuneHeap(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
