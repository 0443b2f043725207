import { readFileSync, writeFileSync } from 'node:fs';

/** Linux reports times in hundredths of a second (USER_HZ). */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat after the command's name, counted from its state. */
const UTIME = 11;
const STIME = 12;

/** Value for clear_refs that resets VmHWM. */
const RESET_PEAK = '5';

/** CPU seconds of a running process, all its threads, ended children left out. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[UTIME]) + Number(fields[STIME])) / TICKS_PER_SECOND;
}

/** Largest resident memory of a running process so far, in MiB. */
export function peakMiB(pid: number): number {
  return statusMiB(pid, 'VmHWM');
}

/** Resets {@link peakMiB}; works for our own processes only. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, RESET_PEAK);
}

/** Resident memory of a running process, in MiB. */
export function residentMiB(pid: number): number {
  return statusMiB(pid, 'VmRSS');
}

function statusMiB(pid: number, field: string): number {
  const match = new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) / 1024;
}

/** Adds up the CPU seconds that several processes use from now on, also of those that end in between. */
export class CpuMeter {
  readonly #atStart = new Map<number, number>();
  #ended = 0;

  constructor(pids: readonly number[]) {
    for (const pid of pids) this.#atStart.set(pid, cpuSeconds(pid));
  }

  /** Call it before a process ends: its usage cannot be read afterwards. */
  beforeEnd(pid: number): void {
    this.#ended += this.#of(pid);
    this.#atStart.delete(pid);
  }

  /** CPU seconds so far. */
  total(): number {
    return [...this.#atStart.keys()].reduce((sum, pid) => sum + this.#of(pid), this.#ended);
  }

  #of(pid: number): number {
    return cpuSeconds(pid) - (this.#atStart.get(pid) ?? 0);
  }
}
