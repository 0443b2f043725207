import { Priority, type Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { priorityWord } from '../limit-values.js';
import { formatRate } from './text.js';

type Limits = Pick<Transfer, 'maxUpload' | 'maxDownload' | 'priority'>;

/** True if a limit is set, or the priority is not normal. */
export function isLimited({ maxUpload, maxDownload, priority }: Limits): boolean {
  const usual = priority === Priority.NORMAL || priority === Priority.UNSPECIFIED;
  return maxUpload > 0n || maxDownload > 0n || !usual;
}

/** `10 MB/s`, or `no limit` */
export function rateLimitText(rate: bigint): string {
  return rate === 0n ? 'no limit' : formatRate(rate);
}

/** `up 10 MB/s, down no limit, normal priority` */
export function limitsText({ maxUpload, maxDownload, priority }: Limits): string {
  const rates = `up ${rateLimitText(maxUpload)}, down ${rateLimitText(maxDownload)}`;
  return `${rates}, ${priorityWord(priority)} priority`;
}
