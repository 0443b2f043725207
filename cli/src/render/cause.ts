import { Cause } from '@enjambre/proto/gen/enjambre/agent/v1/agent';

const CAUSES: ReadonlyMap<Cause, readonly [word: string, text: string]> = new Map([
  [Cause.METAINFO, ['metainfo', 'fetching the metainfo']],
  [Cause.CHECKING, ['checking', 'checking the data on disk']],
  [Cause.TRACKER, ['tracker', 'waiting for the tracker']],
  [Cause.NO_SOURCE, ['no_source', 'no peer had the missing pieces']],
  [Cause.UPLOADERS, ['uploaders', 'waiting for the uploaders']],
  [Cause.OWN_LIMIT, ['own_limit', 'limited by its own rate limit']],
  [Cause.DISK, ['disk', 'waiting for the disk']],
  [Cause.SOURCES, ['sources', 'limited by the sources or the network']],
  [Cause.FINISHING, ['finishing', 'final sync and move']],
  [Cause.MISSING, ['missing', 'its files were missing']],
  [Cause.PAUSED, ['paused', 'paused']],
  [Cause.FAILED, ['failed', 'stopped by a failure']],
  [Cause.OFF, ['off', 'the agent was off']],
]);

/** A cause as a word for programs; undefined for one that only a newer agent has. */
export function causeWord(cause: Cause): string | undefined {
  return CAUSES.get(cause)?.[0];
}

/** A cause as a text for people. */
export function causeText(cause: Cause): string {
  return CAUSES.get(cause)?.[1] ?? 'a cause unknown to this version of the command';
}
