import { formatMagnet } from '@enjambre/core/magnet';
import { parseTorrent, type TorrentInfo } from '@enjambre/core/metainfo-parse';
import type { Session } from '../context.js';
import { forEach } from '../several.js';
import { factLines, type Fact } from '../render/facts.js';
import { treeLines } from '../render/file-tree.js';
import type { JsonObject } from '../render/json-line.js';
import { count, formatBinary, formatBytes, plain } from '../render/text.js';
import { readTorrent } from '../torrent-file.js';

export interface InspectOptions {
  /** Print the whole tree, however long it is. */
  readonly all: boolean;
}

/** Lines of the tree that are shown on a terminal without `--all`. */
const MAX_LINES = 50;

/** `enjambre inspect`: the contents of `.torrent` files. Makes no calls. Throws `invalid`, BAD_METAINFO. */
export async function inspect(
  session: Session,
  paths: readonly string[],
  options: InspectOptions,
): Promise<void> {
  await forEach(session, paths, async (path) => {
    if (path !== paths[0]) session.output.line();
    await inspectOne(session, path, options);
  });
}

async function inspectOne(session: Session, path: string, options: InspectOptions): Promise<void> {
  const { output } = session;
  const { info: metainfo, missing } = parseTorrent(await readTorrent(path, session));
  if (output.json) {
    output.object({ ...torrentJson(metainfo), whole: missing === undefined });
    for (const entry of entriesJson(metainfo)) output.object(entry);
    return;
  }
  output.line(output.colors.bold(plain(metainfo.name)));
  const lacks = missing === undefined ? '' : 'piece layers: downloaders fetch them from a peer';
  for (const line of factLines([...factsOf(metainfo), ['lacks', lacks]], output)) output.line(line);
  output.line();
  let shown = 0;
  for (const line of treeLines(metainfo)) {
    if (shown === MAX_LINES && !options.all && output.width < Infinity) {
      output.hint(`… (\`--all\` shows all ${count(metainfo.files.length, 'file')})`);
      return;
    }
    output.line(line);
    shown += 1;
  }
}

function factsOf(metainfo: TorrentInfo): Fact[] {
  const { files, infohash, name, pieceLength, totalLength } = metainfo;
  return [
    ['size', `${formatBytes(totalLength)}, ${count(files.length, 'file')}`],
    ['pieces', `${count(piecesOf(metainfo), 'piece')} of ${formatBinary(BigInt(pieceLength))}`],
    ['infohash', infohash],
    ['magnet', plain(formatMagnet(infohash, name))],
  ];
}

function piecesOf({ files, pieceLength }: TorrentInfo): number {
  return files.reduce((sum, { length }) => sum + Math.ceil(length / pieceLength), 0);
}

function torrentJson(metainfo: TorrentInfo): JsonObject {
  const { infohash, name } = metainfo;
  return {
    type: 'torrent',
    infohash,
    name,
    magnet: formatMagnet(infohash, name),
    size_bytes: metainfo.totalLength,
    piece_length: metainfo.pieceLength,
    piece_count: piecesOf(metainfo),
    file_count: metainfo.files.length,
    folder: metainfo.isFolder,
  };
}

/** A line for each file, with its path below the torrent's folder. */
function* entriesJson({ files }: TorrentInfo): Generator<JsonObject, void, undefined> {
  for (const { path, length, executable = false } of files) {
    yield { type: 'entry', path: path.join('/'), size_bytes: length, executable };
  }
}
