import { formatBytes, formatRate } from '../render/text.js';
import { about, type Finding } from './finding.js';

export interface LimitFacts {
  /** Most files that a process may have open; absent if it is not known. */
  readonly openFiles?: number | undefined;
  /** True if that is the agent's own, false if it is this shell's. */
  readonly ofAgent: boolean;
  /** Bytes a second; 0 for none, absent if not known. */
  readonly maxUpload?: number | undefined;
  readonly maxDownload?: number | undefined;
  /** UV_THREADPOOL_SIZE; absent if it is not set. */
  readonly threads?: number | undefined;
  /** Files that the system lets a user watch; absent if there is no shared folder, or it is not known. */
  readonly watches?: number | undefined;
  /** What its control group lets the agent have; absent if there is no limit. */
  readonly memoryBytes?: number | undefined;
}

const MIN_OPEN_FILES = 128;
const GOOD_OPEN_FILES = 1024;
/** An uploader cannot send less than this evenly to older agents, and blocks become late. */
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
  const what = `${whose} may have only ${String(openFiles)} files open`;
  const remedy = 'raise `ulimit -n` (LimitNOFILE= in a systemd unit) and start it again';
  return openFiles < MIN_OPEN_FILES
    ? [fail(`${what}, too few to start with: ${remedy}`)]
    : [warn(`${what}, and keeps few files and peers at a time: ${remedy}`)];
}

function rates({ maxUpload, maxDownload }: LimitFacts): Finding[] {
  return Object.entries({ '--max-upload': maxUpload, '--max-download': maxDownload }).flatMap(
    ([flag, rate]) =>
      rate !== undefined && rate > 0 && rate < LOW_RATE
        ? [
            warn(
              `${flag} is ${formatRate(rate)}, and a block of 256 KiB takes ${(262_144 / rate).toFixed(1)} s: raise it with \`enjambre limit ${flag}\` unless that is meant`,
            ),
          ]
        : [],
  );
}

function machine({ threads, watches, memoryBytes }: LimitFacts): Finding[] {
  return [
    ...(threads !== undefined && threads < MIN_THREADS
      ? [warn(`UV_THREADPOOL_SIZE is ${String(threads)}, and files wait for one another: unset it, or say 4`)]
      : []),
    ...(watches !== undefined && watches < GOOD_WATCHES
      ? [
          warn(
            `the system watches only ${String(watches)} files, and changes in the shared folder may be noticed late: raise fs.inotify.max_user_watches, or lower --shared-poll`,
          ),
        ]
      : []),
    ...(memoryBytes !== undefined && memoryBytes < GOOD_MEMORY
      ? [
          warn(
            `the agent may use only ${formatBytes(memoryBytes)} of memory, and may be killed for more: allow 512 MiB`,
          ),
        ]
      : []),
  ];
}

function rightOf({ openFiles, ofAgent }: LimitFacts): string {
  if (openFiles === undefined) return 'no limit was found that is too low';
  return `${ofAgent ? 'the agent' : 'a process started here'} may have ${String(openFiles)} files open`;
}
