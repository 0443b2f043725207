import { Priority, type LimitChange } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Duration } from '@enjambre/proto/gen/google/protobuf/duration';
import type { Given } from './client-command.js';

const PRIORITIES: ReadonlyMap<string, Priority> = new Map([
  ['high', Priority.HIGH],
  ['normal', Priority.NORMAL],
  ['low', Priority.LOW],
]);

/** The values of the flags for limits; undefined if none was given. */
export function limitsGiven(given: Given): LimitChange | undefined {
  const { maxUpload, maxDownload, priority, seedRatio, seedTime } = given;
  if ([maxUpload, maxDownload, priority, seedRatio, seedTime].every((value) => value === undefined))
    return undefined;
  return {
    maxUpload: typeof maxUpload === 'number' ? BigInt(maxUpload) : undefined,
    maxDownload: typeof maxDownload === 'number' ? BigInt(maxDownload) : undefined,
    priority: PRIORITIES.get(String(priority)) ?? Priority.UNSPECIFIED,
    seedRatio: typeof seedRatio === 'number' ? unlessNone(seedRatio) : undefined,
    seedTime: typeof seedTime === 'number' ? durationOf(unlessNone(seedTime)) : undefined,
  };
}

/** The wire's number for no limit is negative. */
function unlessNone(value: number): number {
  return value === Infinity ? -1000 : value;
}

function durationOf(ms: number): Duration {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms - 1000 * Math.floor(ms / 1000)) * 1e6 };
}

/** `high`, `normal` or `low`. */
export function priorityWord(priority: Priority): string {
  for (const [word, value] of PRIORITIES) if (value === priority) return word;
  return 'normal';
}
