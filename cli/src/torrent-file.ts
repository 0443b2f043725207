import { createReadStream } from 'node:fs';
import { addAbortSignal } from 'node:stream';
import { errnoOf, systemErrorText } from '@enjambre/common/system-error';
import { MAX_BENCODE_BYTES } from '@enjambre/core/bencode-value';
import { EnjambreError } from '@enjambre/core/error';
import type { Context, Session } from './context.js';
import { pathFrom } from './working-folder.js';

/** Every part of the system refuses larger metainfo. */
export const MAX_TORRENT_BYTES = MAX_BENCODE_BYTES;

/** A path that means standard input or output. */
export const STANDARD = '-';

/** The inputs that a `.torrent` can be read from. */
export interface TorrentSource extends Pick<Session, 'signal'> {
  readonly context: Pick<Context, 'cwd' | 'stdin' | 'canAsk'>;
}

/**
 * Reads a `.torrent`, whatever its name, from a file, a pipe or (`-`) standard input, up to
 * {@link MAX_TORRENT_BYTES}. Throws `not-found`
 * PATH_NOT_FOUND, `denied` PATH_NOT_READABLE, `invalid` BAD_METAINFO or USAGE.
 */
export async function readTorrent(path: string, { context, signal }: TorrentSource): Promise<Buffer> {
  if (path === STANDARD) return readStandardInput(context, signal);
  const whole = pathFrom(context, path);
  try {
    return await gather(createReadStream(whole), whole);
  } catch (error) {
    if (error instanceof EnjambreError) throw error;
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') {
      throw new EnjambreError('not-found', 'PATH_NOT_FOUND', `${whole} does not exist: check the path`);
    }
    const message = `cannot read ${whole} (${systemErrorText(error)}): name a readable .torrent file`;
    throw new EnjambreError('denied', 'PATH_NOT_READABLE', message, { cause: error });
  }
}

async function readStandardInput(
  { stdin, canAsk }: TorrentSource['context'],
  signal: AbortSignal,
): Promise<Buffer> {
  if (canAsk) {
    const message = 'standard input is a terminal: pipe a .torrent into it, or name a file';
    throw new EnjambreError('invalid', 'USAGE', message);
  }
  try {
    const bytes = await gather(addAbortSignal(signal, stdin), 'standard input');
    if (bytes.length > 0) return bytes;
  } catch (error) {
    throw signal.aborted ? new EnjambreError('cancelled', 'INTERRUPTED', 'interrupted') : error;
  }
  const message = 'bad metainfo: standard input is empty: pipe a .torrent into it, or name a file';
  throw new EnjambreError('invalid', 'BAD_METAINFO', message);
}

async function gather(stream: AsyncIterable<Uint8Array>, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_TORRENT_BYTES) throw tooLarge(what);
  }
  return Buffer.concat(chunks);
}

export function tooLarge(what: string): EnjambreError {
  return new EnjambreError(
    'invalid',
    'BAD_METAINFO',
    `${what} is larger than ${MAX_TORRENT_BYTES / 2 ** 20} MiB: it is not a .torrent file`,
  );
}
