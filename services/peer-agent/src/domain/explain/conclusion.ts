import type { Cause } from './causes.js';
import type { Findings, Source } from './findings.js';

/** Words for the cause that took the most time, before and after its share of the time. The command adds the remedy. */
const SAYINGS: Readonly<Record<Exclude<Cause, 'sources'>, readonly [subject: string, explanation?: string]>> =
  {
    metainfo: ['it had no metainfo', 'at first no peer was found that could supply it'],
    checking: ['it was checking existing data', 'this was read and hashed before the rest was requested'],
    tracker: ['it waited for the tracker', 'no other source listed a peer'],
    'no-source': ['there was no source', 'no reachable peer had the pieces it needed'],
    uploaders: ['the uploaders made it wait', 'they had no free slot, or served others first'],
    'own-limit': ['its own rate limit was the bottleneck'],
    disk: ['the disk was the bottleneck', 'received blocks waited to be hashed and written'],
    finishing: ['it was finishing', 'the final sync to disk and the move into place took that long'],
    missing: ['its files were missing'],
    paused: ['it was paused'],
    failed: ['it had failed'],
    off: ['the agent was not running', 'it resumes when the agent starts'],
  };

/** Shorter downloads had no time to wait for anything. */
const LEAST_MS = 1000;

/** One sentence: what the download waited for most. */
export function conclusionOf({ totalMs, spent: [most], sources }: Findings): string {
  if (!most) return 'its time was not recorded';
  if (totalMs < LEAST_MS) return 'it has taken less than a second: too little to say what it waited for';
  const share = `for ${Math.round((most.ms * 100) / totalMs)} % of the time`;
  if (most.cause === 'sources') return `the sources were the bottleneck ${share}: ${contribution(sources)}`;
  const [subject, explanation] = SAYINGS[most.cause];
  return explanation === undefined ? `${subject} ${share}` : `${subject} ${share}: ${explanation}`;
}

function contribution([first, ...others]: readonly Source[]): string {
  if (!first) return 'none has sent anything yet';
  const rate = first.rate > 0 ? ` at ${megabytes(first.rate)}/s` : '';
  const beside = others.length === 0 ? 'alone sent' : `, the largest of ${others.length + 1}, sent`;
  return `${first.name || first.peerId.slice(0, 8)}${beside.startsWith(',') ? '' : ' '}${beside} ${megabytes(first.received)}${rate}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
