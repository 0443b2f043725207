import { addAbortSignal } from 'node:stream';
import { EnjambreError } from '@enjambre/core/error';
import type { Context } from './context.js';

/** A path or text that means standard input or output. */
export const STANDARD = '-';

export interface InputInit {
  /** What is expected, such as "a .torrent", and what else could be done, for messages. */
  readonly what: string;
  readonly instead: string;
  readonly maxBytes: number;
  /** The error for more bytes. */
  readonly tooLong: () => EnjambreError;
}

/**
 * Reads standard input to its end. Throws `invalid` USAGE if it is a terminal, `cancelled` INTERRUPTED, and `tooLong`.
 */
export async function readStandardInput(
  { stdin, canAsk }: Pick<Context, 'stdin' | 'canAsk'>,
  signal: AbortSignal,
  { what, instead, maxBytes, tooLong }: InputInit,
): Promise<Buffer> {
  if (canAsk) {
    const message = `standard input is a terminal: pipe ${what} into it, or ${instead}`;
    throw new EnjambreError('invalid', 'USAGE', message);
  }
  try {
    return await gather(addAbortSignal(signal, stdin), maxBytes, tooLong);
  } catch (error) {
    throw signal.aborted ? new EnjambreError('cancelled', 'INTERRUPTED', 'interrupted') : error;
  }
}

/** All bytes of a stream. Throws `tooLong` for more than `maxBytes`. */
export async function gather(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
  tooLong: () => EnjambreError,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes) throw tooLong();
  }
  return Buffer.concat(chunks);
}
