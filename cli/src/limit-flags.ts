import { EnjambreError } from '@enjambre/core/error';
import { rateSchema } from '@enjambre/common/config/quantities';
import { Priority, type LimitChange } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Flag, Given } from './client-command.js';

const PRIORITIES: ReadonlyMap<string, Priority> = new Map([
  ['high', Priority.HIGH],
  ['normal', Priority.NORMAL],
  ['low', Priority.LOW],
]);

export const uploadFlag: Flag = {
  flags: '--max-upload <RATE>',
  description: 'upload limit in bytes per second, such as 10MB or 500k; none for no limit',
  parse: rate('--max-upload'),
};

export const downloadFlag: Flag = {
  flags: '--max-download <RATE>',
  description: 'download limit in bytes per second, such as 10MB or 500k; none for no limit',
  parse: rate('--max-download'),
};

export const priorityFlag: Flag = {
  flags: '--priority <LEVEL>',
  description: 'high, normal or low: the weight of the transfer where several share a limit (4 : 2 : 1)',
  parse: (level) => {
    if (PRIORITIES.has(level)) return level;
    throw new EnjambreError('invalid', 'BAD_OPTION', '--priority: must be high, normal or low');
  },
};

/** The values of the flags above; undefined if none was given. */
export function limitsGiven({ maxUpload, maxDownload, priority }: Given): LimitChange | undefined {
  if (maxUpload === undefined && maxDownload === undefined && priority === undefined) return undefined;
  return {
    maxUpload: typeof maxUpload === 'number' ? BigInt(maxUpload) : undefined,
    maxDownload: typeof maxDownload === 'number' ? BigInt(maxDownload) : undefined,
    priority: PRIORITIES.get(String(priority)) ?? Priority.UNSPECIFIED,
  };
}

/** `high`, `normal` or `low`. */
export function priorityWord(priority: Priority): string {
  for (const [word, value] of PRIORITIES) if (value === priority) return word;
  return 'normal';
}

function rate(flag: string): (value: string) => number {
  return (value) => {
    const parsed = rateSchema.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new EnjambreError('invalid', 'BAD_OPTION', `${flag}: ${parsed.error.issues[0]?.message ?? ''}`);
  };
}
