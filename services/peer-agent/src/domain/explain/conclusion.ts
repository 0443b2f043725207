import type { Cause } from './causes.js';
import type { Findings, Source } from './findings.js';

/** What is said of the cause that took the most time, and after the share of the time. The command adds the remedy. */
const SAYINGS: Readonly<Record<Exclude<Cause, 'sources'>, readonly [subject: string, explanation?: string]>> =
  {
    metainfo: ['it was not known what the file is', 'no peer was found at first that could say'],
    checking: ['it was busy with what is on disk', 'that was read and hashed before the rest was asked for'],
    tracker: ['it waited for the tracker', 'nobody else could name a peer'],
    'no-source': ['there was no source', 'nobody could be reached that had what was wanted'],
    uploaders: ['the uploaders made it wait', 'they had no slot free, or gave to others first'],
    'own-limit': ['its own limit was the limit'],
    disk: ['the disk was the limit', 'what came waited to be hashed and written'],
    finishing: ['it was finishing', 'the last sync to disk and the move to its place took that long'],
    missing: ['what was there of it was missing'],
    paused: ['it was paused'],
    failed: ['it had failed'],
    off: ['the agent was off', 'it resumes when the agent starts'],
  };

/** What took less was over before it can have waited for anything. */
const LEAST_MS = 1000;

/** One sentence: what the download waited for most. */
export function conclusionOf({ totalMs, spent: [most], sources }: Findings): string {
  if (!most) return 'its time was not recorded';
  if (totalMs < LEAST_MS) return 'it has taken less than a second: too little to say what it waited for';
  const share = `for ${Math.round((most.ms * 100) / totalMs)} % of the time`;
  if (most.cause === 'sources') return `the sources were the limit ${share}: ${generosity(sources)}`;
  const [subject, explanation] = SAYINGS[most.cause];
  return explanation === undefined ? `${subject} ${share}` : `${subject} ${share}: ${explanation}`;
}

function generosity([first, ...others]: readonly Source[]): string {
  if (!first) return 'none has sent anything yet';
  const rate = first.rate > 0 ? ` at ${megabytes(first.rate)} a second` : '';
  const beside = others.length === 0 ? 'alone gave' : `, the most generous of ${others.length + 1}, gave`;
  return `${first.name || first.peerId.slice(0, 8)}${beside.startsWith(',') ? '' : ' '}${beside} ${megabytes(first.received)}${rate}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
