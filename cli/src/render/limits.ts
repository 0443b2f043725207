import { Priority, type Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { priorityWord } from '../limit-values.js';
import { secondsOf } from './json.js';
import { formatRate, formatSeconds } from './text.js';

type Limits = Pick<Transfer, 'maxUpload' | 'maxDownload' | 'priority'> & SeedLimits;
type SeedLimits = Pick<Transfer, 'seedRatio' | 'seedTime'>;

/** True if a limit is in force, or the priority is not normal. */
export function isLimited({ maxUpload, maxDownload, priority, seedRatio, seedTime }: Limits): boolean {
  const usual = priority === Priority.NORMAL || priority === Priority.UNSPECIFIED;
  const seeding = seedRatio !== undefined || seedTime !== undefined;
  return maxUpload > 0n || maxDownload > 0n || seeding || !usual;
}

/** `10 MB/s`, or `no limit` */
export function rateLimitText(rate: bigint): string {
  return rate === 0n ? 'no limit' : formatRate(rate);
}

/** `up 10 MB/s, down no limit, normal priority` */
export function limitsText(limits: Limits): string {
  const rates = `up ${rateLimitText(limits.maxUpload)}, down ${rateLimitText(limits.maxDownload)}`;
  const seeding = seedLimitText(limits);
  const until = seeding === '' ? '' : `, seeds until ${seeding}`;
  return `${rates}, ${priorityWord(limits.priority)} priority${until}`;
}

/** `ratio 2 or 12h`; empty for no limit */
export function seedLimitText({ seedRatio, seedTime }: SeedLimits): string {
  const seconds = secondsOf(seedTime);
  return [
    ...(seedRatio === undefined ? [] : [`ratio ${String(seedRatio)}`]),
    ...(seconds === undefined ? [] : [formatSeconds(seconds)]),
  ].join(' or ');
}
