import { getSystemErrorMap, types } from 'node:util';
import { messageOf } from '@enjambre/core/error';

const MEANINGS = new Map(getSystemErrorMap().values());

/** The system's name of an error, such as ENOENT; empty if it has none. */
export function errnoOf(error: unknown): string {
  // Not `instanceof`: an error of Node itself is of another realm where code runs in a vm context, as tests do.
  return types.isNativeError(error) && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** An error of the system without its code and path: "no such file or directory". */
export function systemErrorText(error: unknown): string {
  return MEANINGS.get(errnoOf(error)) ?? messageOf(error);
}
