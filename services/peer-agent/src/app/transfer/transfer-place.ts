import { dirname } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { shortId } from '@enjambre/core/ids';
import type { Transfer } from './transfer.js';

/**
 * What to do when a known transfer is requested again, in the folder `wanted` or, if undefined, in its own. Throws
 * `precondition` ELSEWHERE if its content already has its final name in another folder.
 */
export function planAgain(
  known: Transfer,
  wanted: string | undefined,
): { folder: string; step: 'fetch' | 'relocate' | 'resume' } {
  const { origin, location } = known.record;
  const own = origin ? dirname(location) : location;
  const folder = wanted ?? own;
  const isSettled = known.home.inPlace;
  if (known.state === 'missing' && (origin || (folder !== own && isSettled)))
    return { folder, step: 'fetch' };
  if (folder === own) return { folder, step: 'resume' };
  if (isSettled) throw elsewhere(known, own);
  return { folder, step: 'relocate' };
}

function elsewhere({ name, infohash }: Transfer, folder: string): EnjambreError {
  const message = `this agent already has ${name} in ${folder}: copy it from there`;
  const metadata = { remedy: 'remove-first', transfer: shortId(infohash) };
  return new EnjambreError('precondition', 'ELSEWHERE', message, { metadata });
}
