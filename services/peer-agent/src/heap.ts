import { setFlagsFromString } from 'node:v8';

/**
 * Growth of the heap, as a percentage of live data, before the next full collection: enough for large files. A download
 * of many small files, whose objects grow old and die soon after, still stays within the memory bound.
 */
const GROWTH_PERCENT = 100;

/**
 * Makes V8 collect less often, for a process that moves files. V8 counts network buffers, which live for milliseconds,
 * as growth of a heap of about 20 MB, and by default marks the whole heap every 30 ms on several threads
 * (docs/adr/0009-data-plane.md).
 */
export function tuneHeap(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}
