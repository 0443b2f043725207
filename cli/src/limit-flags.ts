import { EnjambreError, messageOf } from '@enjambre/core/error';
import { parseRate } from '@enjambre/common/config/parse-quantities';
import type { Flag } from './client-command.js';

const PRIORITY_WORDS = ['high', 'normal', 'low'];

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
    if (PRIORITY_WORDS.includes(level)) return level;
    throw new EnjambreError('invalid', 'BAD_OPTION', '--priority: must be high, normal or low');
  },
};

function rate(flag: string): (value: string) => number {
  return (value) => {
    try {
      return parseRate(value);
    } catch (error) {
      throw new EnjambreError('invalid', 'BAD_OPTION', `${flag}: ${messageOf(error)}`, { cause: error });
    }
  };
}
