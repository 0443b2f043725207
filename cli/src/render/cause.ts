import { Cause } from '@enjambre/proto/gen/enjambre/agent/v1/agent';

const CAUSES: ReadonlyMap<Cause, readonly [word: string, text: string]> = new Map([
  [Cause.METAINFO, ['metainfo', 'finding out what it is']],
  [Cause.CHECKING, ['checking', 'reading what is on disk']],
  [Cause.TRACKER, ['tracker', 'waiting for the tracker']],
  [Cause.NO_SOURCE, ['no-source', 'nobody had what was wanted']],
  [Cause.UPLOADERS, ['uploaders', 'waiting for a turn at the uploaders']],
  [Cause.OWN_LIMIT, ['own-limit', 'limited by its own rate limit']],
  [Cause.DISK, ['disk', 'waiting for the disk']],
  [Cause.SOURCES, ['sources', 'limited by the sources or the network']],
  [Cause.FINISHING, ['finishing', 'last sync and move']],
  [Cause.MISSING, ['missing', 'what was there was missing']],
  [Cause.PAUSED, ['paused', 'paused']],
  [Cause.FAILED, ['failed', 'stopped by a failure']],
  [Cause.OFF, ['off', 'the agent was off']],
]);

/** What time went to, for programs and for people; `unknown` for what a newer agent may say. */
export function causeWord(cause: Cause): string {
  return CAUSES.get(cause)?.[0] ?? 'unknown';
}

export function causeText(cause: Cause): string {
  return CAUSES.get(cause)?.[1] ?? 'something that this command does not know';
}
