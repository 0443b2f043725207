import { EnjambreError } from '@enjambre/core/error';
import type { LimitChange } from '../domain/limits/limit-settings.js';
import type { TransferRecord } from '../domain/transfer-record.js';
import type { Transfer } from './transfer.js';

/** What a share keeps of a transfer that it takes the place of, and what it is given. */
export type Kept = LimitChange & Pick<TransferRecord, 'copies'>;

export function elsewhere({ name, infohash }: Transfer, folder: string): EnjambreError {
  const message = `this agent has ${name} in ${folder} already: copy it from there, or \`enjambre rm ${infohash.slice(0, 8)}\` it first`;
  return new EnjambreError('precondition', 'ELSEWHERE', message);
}
