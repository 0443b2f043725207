import { createReadStream } from 'node:fs';
import { errnoOf, systemErrorText } from '@enjambre/common/system-error';
import { MAX_BENCODE_BYTES } from '@enjambre/core/bencode-value';
import { EnjambreError } from '@enjambre/core/error';
import { pathFrom, type WorkingFolder } from './working-folder.js';

/** Larger metainfo is refused everywhere. */
export const MAX_TORRENT_BYTES = MAX_BENCODE_BYTES;

/** A path that means standard input. */
const STDIN = '-';

/**
 * The bytes of a `.torrent`, whatever its name, from a file, a pipe or (`-`) standard
 * input; no more of it is read than a `.torrent` may have. Throws `not-found`
 * PATH_NOT_FOUND, `denied` PATH_NOT_READABLE, `invalid` BAD_METAINFO.
 */
export async function readTorrent(
  path: string,
  context: WorkingFolder & { readonly stdin: AsyncIterable<Uint8Array> },
): Promise<Buffer> {
  if (path === STDIN) return gather(context.stdin, 'standard input');
  const whole = pathFrom(context, path);
  try {
    return await gather(createReadStream(whole), whole);
  } catch (error) {
    if (error instanceof EnjambreError) throw error;
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') {
      throw new EnjambreError('not-found', 'PATH_NOT_FOUND', `no file ${whole} is there: check the path`);
    }
    const message = `cannot read ${whole} (${systemErrorText(error)}): name a .torrent file that can be read`;
    throw new EnjambreError('denied', 'PATH_NOT_READABLE', message, { cause: error });
  }
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
    `${what} is larger than ${MAX_TORRENT_BYTES / 2 ** 20} MiB: that is no .torrent file`,
  );
}
