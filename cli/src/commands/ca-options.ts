import { systemErrorText } from '@enjambre/common/system-error';
import { EnjambreError } from '@enjambre/core/error';
import type { Given } from '../client-command.js';

/** Lifetime of a root CA. */
export const CA_TTL_MS = 3650 * 86_400_000;

export function ttlOf({ ttl }: Given, otherwise: number): number {
  return typeof ttl === 'number' ? ttl : otherwise;
}

/** Throws `denied`, PATH_NOT_WRITABLE, for an error of the system. */
export function notWritable(folder: string): (cause: unknown) => never {
  return (cause) => {
    if (cause instanceof EnjambreError) throw cause;
    const message = `cannot write to ${folder} (${systemErrorText(cause)}): fix its permissions, or name another folder`;
    throw new EnjambreError('denied', 'PATH_NOT_WRITABLE', message, { cause });
  };
}
