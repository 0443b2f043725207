import { formatDuration } from '@enjambre/core/format-duration';
import type { Cause } from '../../domain/explain/causes.js';
import { isQuiet, type LinkState } from '../../domain/links/replacement.js';

/** Silence on all links is reported after this time. */
const SILENCE_MS = 3000;

interface ShownLink extends LinkState {
  readonly address: { readonly endpoint: string };
}

/**
 * Why a download with these links makes no progress, for people; empty if it does.
 *
 * @param lastProblem why the last attempt to open a link failed; empty if none has
 */
export function linksText(links: Iterable<ShownLink>, nowMs: number, lastProblem: string): string {
  const all = [...links];
  const ready = all.filter((link) => link.ready);
  if (ready.length === 0) {
    const quiet = all.filter((link) => isQuiet(link, nowMs)).map(({ address }) => address.endpoint);
    // Before the first peer had time to answer, silence is no problem.
    if (lastProblem === '' && quiet.length === 0) return 'connecting to peers';
    return `no peer answers (${lastProblem || connectingText(quiet)})`;
  }
  const asked = ready.flatMap(({ askedMs }) => (askedMs === undefined ? [] : [askedMs]));
  const sinceMs = Math.max(Math.min(...asked), ...all.map(({ heardMs }) => heardMs));
  if (asked.length === 0 || nowMs - sinceMs < SILENCE_MS) return '';
  const peers = asked.length === 1 ? '1 peer' : `${asked.length} peers`;
  return `no data received for ${formatDuration(Math.floor((nowMs - sinceMs) / 1000) * 1000)} (${peers} asked)`;
}

function connectingText([first = '', ...others]: readonly string[]): string {
  return others.length === 0
    ? `connecting to ${first}`
    : `connecting to ${first} and ${others.length} ${others.length === 1 ? 'other' : 'others'}`;
}

const STALLS: Readonly<Partial<Record<Cause, string>>> = {
  disk: 'waiting for the disk',
  'no-source': 'no connected peer has the missing pieces',
  uploaders: 'waiting for the uploaders',
};

/** What a download waits for that has received no data since `sinceMs`, for people; empty before that is certain. */
export function stallText(
  { cause, sinceMs }: { readonly cause: Cause; readonly sinceMs: number },
  nowMs: number,
): string {
  return nowMs - sinceMs < SILENCE_MS ? '' : (STALLS[cause] ?? '');
}
