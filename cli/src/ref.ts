import { readFile, stat } from 'node:fs/promises';
import { systemErrorText } from '@enjambre/common/system-error';
import { EnjambreError } from '@enjambre/core/error';
import { looksLike, withDigits } from '@enjambre/core/named';
import type { DownloadRequest } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { File } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { STANDARD } from './standard-input.js';
import { MAX_TORRENT_BYTES, readTorrent, tooLarge, type TorrentSource } from './torrent-file.js';
import { pathFrom, type WorkingFolder } from './working-folder.js';

const INFOHASH = /^[0-9a-f]{64}$/i;

/**
 * The source of a download request: the content of a `.torrent` if `ref` is the path of
 * one (or `-`), else `ref` itself, which the agent resolves. Throws `invalid` BAD_REF or BAD_METAINFO,
 * `not-found` PATH_NOT_FOUND or LOCAL_PATH.
 */
export async function downloadSource(
  ref: string,
  around: TorrentSource,
): Promise<NonNullable<DownloadRequest['source']>> {
  const metainfo = await torrentFile(ref, around);
  if (metainfo) return { $case: 'metainfo', value: metainfo };
  // Names contain no separator.
  const local = ref.includes('/') ? await localPath(ref, around.context) : undefined;
  if (local) throw local;
  return { $case: 'ref', value: ref };
}

/** The error for a ref that is the path of a local file or folder but not a .torrent; undefined if it is no path. */
export async function localPath(ref: string, folder: WorkingFolder): Promise<EnjambreError | undefined> {
  const path = pathFrom(folder, ref);
  const found = /^magnet:/i.test(ref) ? undefined : await stat(path).catch(() => undefined);
  if (!found) return undefined;
  const what = found.isDirectory() ? 'folder' : 'file';
  const message = `${path} is a local ${what}, not a .torrent: \`enjambre share\` shares it, \`enjambre files\` lists shared files`;
  return new EnjambreError('not-found', 'LOCAL_PATH', message);
}

/** The ref of a transfer for an agent: the infohash for a `.torrent` path or `-`, else `ref`. */
export async function transferRef(ref: string, around: TorrentSource): Promise<string> {
  const metainfo = await torrentFile(ref, around);
  if (!metainfo) return ref;
  const { parseTorrent } = await import('@enjambre/core/metainfo-parse');
  return parseTorrent(metainfo).info.infohash;
}

/**
 * Resolves `ref` to an infohash for a tracker. Names and prefixes are looked up with
 * `files(query)`, which matches whole names. As with an agent, an infohash takes precedence over a name; names that look
 * the same are ambiguous, since strangers choose them, and so are a name and a prefix that match different files. An old version of a name is not
 * meant by it. Throws `not-found` UNKNOWN_REF, `precondition` AMBIGUOUS_REF.
 */
export async function trackerInfohash(
  ref: string,
  around: TorrentSource,
  files: (query: string) => Promise<readonly File[]>,
): Promise<string> {
  const text = await transferRef(ref, around);
  if (/^magnet:/i.test(text)) {
    const { parseMagnet } = await import('@enjambre/core/magnet');
    return parseMagnet(text).infohash;
  }
  const all = await files(text.trim());
  if (INFOHASH.test(text) && all.some(({ infohash }) => infohash === text.toLowerCase()))
    return text.toLowerCase();
  const digits = withDigits(text.trim(), all, ({ infohash }) => infohash);
  const named = looksLike(text, all).filter(({ superseded }) => !superseded);
  // A file of which several names are claimed is one file.
  const matching = new Set([...named, ...digits].map(({ infohash }) => infohash));
  const [found] = matching;
  // The tracker itself reports an unknown infohash.
  if (found === undefined && INFOHASH.test(text)) return text.toLowerCase();
  if (found === undefined)
    throw new EnjambreError(
      'not-found',
      'UNKNOWN_REF',
      `no file is named ${text}: \`enjambre files\` lists shared files`,
    );
  if (matching.size === 1) return found;
  const choices = [...matching].map((infohash) => infohash.slice(0, 12)).join(', ');
  throw new EnjambreError('precondition', 'AMBIGUOUS_REF', `${text} is ambiguous: choose one of ${choices}`);
}

/** The content of the `.torrent` at the path `ref`; `-` is standard input. Undefined if `ref` is not such a path. */
async function torrentFile(ref: string, around: TorrentSource): Promise<Buffer | undefined> {
  if (ref.trim() === '') {
    throw new EnjambreError(
      'invalid',
      'BAD_REF',
      'the ref is empty: give an infohash, magnet link, .torrent path or name',
    );
  }
  if (ref === STANDARD) return readTorrent(ref, around);
  if (!ref.toLowerCase().endsWith('.torrent') || /^magnet:/i.test(ref)) return undefined;
  const path = pathFrom(around.context, ref);
  const size = await fileSize(path);
  if (size === undefined) {
    // A file may be shared under such a name; with a separator it can only be a path.
    if (!ref.includes('/')) return undefined;
    throw new EnjambreError('not-found', 'PATH_NOT_FOUND', `${path} does not exist: check the path`);
  }
  if (size > MAX_TORRENT_BYTES) {
    throw tooLarge(path);
  }
  try {
    return await readFile(path);
  } catch (error) {
    const message = `cannot read ${path} (${systemErrorText(error)}): fix its permissions`;
    throw new EnjambreError('denied', 'PATH_NOT_READABLE', message, { cause: error });
  }
}

async function fileSize(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}
