import { createReadStream } from 'node:fs';
import { errnoOf, systemErrorText } from '@enjambre/common/system-error';
import { MAX_BENCODE_BYTES } from '@enjambre/core/bencode-value';
import { EnjambreError } from '@enjambre/core/error';
import type { Context, Session } from './context.js';
import { gather, readStandardInput, STANDARD } from './standard-input.js';
import { pathFrom } from './working-folder.js';

/** Every part of the system refuses larger metainfo. */
export const MAX_TORRENT_BYTES = MAX_BENCODE_BYTES;

/** The inputs that a `.torrent` can be read from. */
export interface TorrentSource extends Pick<Session, 'signal'> {
  readonly context: Pick<Context, 'cwd' | 'stdin' | 'canAsk'>;
}

/**
 * Reads a `.torrent`, whatever its name, from a file, a pipe or (`-`) standard input, up to
 * {@link MAX_TORRENT_BYTES}. Throws `not-found`
 * PATH_NOT_FOUND, `denied` PATH_NOT_READABLE, `invalid` BAD_METAINFO or USAGE.
 */
export async function readTorrent(path: string, source: TorrentSource): Promise<Buffer> {
  const { context } = source;
  if (path === STANDARD) return readInput(source);
  const whole = pathFrom(context, path);
  try {
    return await gather(createReadStream(whole), MAX_TORRENT_BYTES, () => tooLarge(whole));
  } catch (error) {
    if (error instanceof EnjambreError) throw error;
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') {
      throw new EnjambreError('not-found', 'PATH_NOT_FOUND', `${whole} does not exist: check the path`);
    }
    const message = `cannot read ${whole} (${systemErrorText(error)}): name a readable .torrent file`;
    throw new EnjambreError('denied', 'PATH_NOT_READABLE', message, { cause: error });
  }
}

async function readInput({ context, signal }: TorrentSource): Promise<Buffer> {
  const bytes = await readStandardInput(context, signal, {
    what: 'a .torrent',
    instead: 'name a file',
    maxBytes: MAX_TORRENT_BYTES,
    tooLong: () => tooLarge('standard input'),
  });
  if (bytes.length > 0) return bytes;
  const message = 'bad metainfo: standard input is empty: pipe a .torrent into it, or name a file';
  throw new EnjambreError('invalid', 'BAD_METAINFO', message);
}

export function tooLarge(what: string): EnjambreError {
  return new EnjambreError(
    'invalid',
    'BAD_METAINFO',
    `${what} is larger than ${MAX_TORRENT_BYTES / 2 ** 20} MiB: it is not a .torrent file`,
  );
}
