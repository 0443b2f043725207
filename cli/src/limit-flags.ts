import { EnjambreError, messageOf } from '@enjambre/core/error';
import { parseRate, parseSeedRatio, parseSeedTime } from '@enjambre/common/config/parse-quantities';
import type { Flag } from './client-command.js';

const PRIORITY_WORDS = ['high', 'normal', 'low'];

export const uploadFlag: Flag = {
  flags: '--max-upload <RATE>',
  description: 'upload limit in bytes per second, such as 10MB or 500k; none for no limit',
  parse: quantity('--max-upload', parseRate),
};

export const downloadFlag: Flag = {
  flags: '--max-download <RATE>',
  description: 'download limit in bytes per second, such as 10MB or 500k; none for no limit',
  parse: quantity('--max-download', parseRate),
};

export const priorityFlag: Flag = {
  flags: '--priority <LEVEL>',
  description: 'high, normal or low: the weight of the transfer where several share a limit (4 : 2 : 1)',
  parse: (level) => {
    if (PRIORITY_WORDS.includes(level)) return level;
    throw new EnjambreError('invalid', 'BAD_OPTION', '--priority: must be high, normal or low');
  },
};

export const seedRatioFlag: Flag = {
  flags: '--seed-ratio <RATIO>',
  description:
    'stop seeding after sending RATIO times the size, such as 2 or 1.5; none for no limit (default: for downloads, that of the agent)',
  parse: quantity('--seed-ratio', parseSeedRatio),
};

export const seedTimeFlag: Flag = {
  flags: '--seed-time <DURATION>',
  description:
    'stop seeding after DURATION, such as 30m or 12h; none for no limit (default: for downloads, that of the agent)',
  parse: quantity('--seed-time', parseSeedTime),
};

function quantity(flag: string, parse: (text: string) => number): (value: string) => number {
  return (value) => {
    try {
      return parse(value);
    } catch (error) {
      throw new EnjambreError('invalid', 'BAD_OPTION', `${flag}: ${messageOf(error)}`, { cause: error });
    }
  };
}
