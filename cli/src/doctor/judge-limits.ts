import { formatDuration } from '@enjambre/core/format-duration';
import { formatBytes, formatRate } from '../render/text.js';
import { about, type Finding } from './finding.js';

export interface LimitFacts {
  /** Limit of open files of a process; absent if unknown. */
  readonly openFiles?: number | undefined;
  /** True if that is the limit of the agent, false if it is that of this shell. */
  readonly ofAgent: boolean;
  /** Bytes per second; 0 for no limit, absent if unknown. */
  readonly maxUpload?: number | undefined;
  readonly maxDownload?: number | undefined;
  /** UV_THREADPOOL_SIZE; absent if it is not set. */
  readonly threads?: number | undefined;
  /** Limit of file watches of a user; absent if there is no shared folder, or if unknown. */
  readonly watches?: number | undefined;
  /** Memory limit of the agent's control group; absent if there is none. */
  readonly memoryBytes?: number | undefined;
}

const MIN_OPEN_FILES = 128;
const GOOD_OPEN_FILES = 1024;
/** Below this rate an uploader cannot serve older agents evenly, and blocks arrive late. */
const LOW_RATE = 500_000;
const MIN_THREADS = 4;
const GOOD_WATCHES = 8192;
const GOOD_MEMORY = 384 * 2 ** 20;

const { ok, warn, fail } = about('limits');

export function judgeLimits(facts: LimitFacts): Finding[] {
  const findings = [...files(facts), ...rates(facts), ...machine(facts)];
  return findings.length > 0 ? findings : [ok(rightOf(facts))];
}

function files({ openFiles, ofAgent }: LimitFacts): Finding[] {
  if (openFiles === undefined || openFiles >= GOOD_OPEN_FILES) return [];
  const whose = ofAgent ? 'the agent' : 'a process started here';
  const what = `${whose} may open only ${String(openFiles)} files`;
  const remedy = 'raise `ulimit -n` (LimitNOFILE= in a systemd unit) and restart the agent';
  return openFiles < MIN_OPEN_FILES
    ? [fail(`${what}, too few to start: ${remedy}`)]
    : [warn(`${what}, which limits its files and peers: ${remedy}`)];
}

function rates({ maxUpload, maxDownload }: LimitFacts): Finding[] {
  return Object.entries({ '--max-upload': maxUpload, '--max-download': maxDownload }).flatMap(
    ([flag, rate]) =>
      rate !== undefined && rate > 0 && rate < LOW_RATE
        ? [
            warn(
              `${flag} is ${formatRate(rate)}, so a block of 256 KiB takes ${formatDuration((262_144 / rate) * 1000)}: raise it with \`enjambre limit ${flag}\` unless this is intended`,
            ),
          ]
        : [],
  );
}

function machine({ threads, watches, memoryBytes }: LimitFacts): Finding[] {
  return [
    ...(threads !== undefined && threads < MIN_THREADS
      ? [
          warn(
            `UV_THREADPOOL_SIZE is ${String(threads)}, so file operations wait for each other: unset it, or set it to 4`,
          ),
        ]
      : []),
    ...(watches !== undefined && watches < GOOD_WATCHES
      ? [
          warn(
            `the system allows only ${String(watches)} file watches, so changes in the shared folder may be noticed late: raise fs.inotify.max_user_watches, or lower --shared-poll`,
          ),
        ]
      : []),
    ...(memoryBytes !== undefined && memoryBytes < GOOD_MEMORY
      ? [
          warn(
            `the agent may use only ${formatBytes(memoryBytes)} of memory, and is killed if it needs more: allow 512 MiB`,
          ),
        ]
      : []),
  ];
}

function rightOf({ openFiles, ofAgent }: LimitFacts): string {
  if (openFiles === undefined) return 'no known limit is too low';
  return `${ofAgent ? 'the agent' : 'a process started here'} may open ${String(openFiles)} files`;
}
