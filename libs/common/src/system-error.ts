import { getSystemErrorMap, types } from 'node:util';
import { messageOf } from '@enjambre/core/error';

const MEANINGS = new Map(getSystemErrorMap().values());

/** The system's code of an error, such as ENOENT; empty if it has none. */
export function errnoOf(error: unknown): string {
  // Not `instanceof`: in a vm context, as in tests, errors of Node belong to another realm.
  return types.isNativeError(error) && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** An error of the system without its code and path: "no such file or directory". */
export function systemErrorText(error: unknown): string {
  return MEANINGS.get(errnoOf(error)) ?? messageOf(error);
}
