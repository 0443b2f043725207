import { readFileSync } from 'node:fs';

/** Linux reports times in hundredths of a second (USER_HZ). */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat after the command's name, counted from its state. */
const UTIME = 11;
const STIME = 12;

/** CPU seconds of a running process, all its threads, ended children left out. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[UTIME]) + Number(fields[STIME])) / TICKS_PER_SECOND;
}

/** Largest resident memory of a running process so far, in MiB. */
export function peakMiB(pid: number): number {
  const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) / 1024;
}
