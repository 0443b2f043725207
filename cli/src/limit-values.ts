import { Priority, type LimitChange } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Given } from './client-command.js';

const PRIORITIES: ReadonlyMap<string, Priority> = new Map([
  ['high', Priority.HIGH],
  ['normal', Priority.NORMAL],
  ['low', Priority.LOW],
]);

/** The values of the flags for limits; undefined if none was given. */
export function limitsGiven({ maxUpload, maxDownload, priority }: Given): LimitChange | undefined {
  if (maxUpload === undefined && maxDownload === undefined && priority === undefined) return undefined;
  return {
    maxUpload: typeof maxUpload === 'number' ? BigInt(maxUpload) : undefined,
    maxDownload: typeof maxDownload === 'number' ? BigInt(maxDownload) : undefined,
    priority: PRIORITIES.get(String(priority)) ?? Priority.UNSPECIFIED,
  };
}

/** `high`, `normal` or `low`. */
export function priorityWord(priority: Priority): string {
  for (const [word, value] of PRIORITIES) if (value === priority) return word;
  return 'normal';
}
