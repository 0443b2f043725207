import { isAbsolute, resolve } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import { parseTorrentSteps, type TorrentInfo } from '@enjambre/core/metainfo-parse';
import { turns } from '@enjambre/common/async/turns';
import { parseRef, type TransferRef } from '../../domain/transfer-ref.js';

/** Identifies the content to download: a reference, or a `.torrent` file. */
export type DownloadSource =
  { readonly kind: 'ref'; readonly ref: string } | { readonly kind: 'metainfo'; readonly bytes: Uint8Array };

/**
 * Parses a source. A torrent without all its piece layers yields `info` only; peers supply the rest. Throws `invalid`
 * BAD_REF or BAD_METAINFO.
 */
export async function wantedOf(source: DownloadSource): Promise<{
  ref: TransferRef;
  info?: TorrentInfo;
  metainfo?: Metainfo;
}> {
  if (source.kind === 'ref') return { ref: parseRef(source.ref) };
  const { info, metainfo } = await turns.run(parseTorrentSteps(source.bytes));
  return { ref: { kind: 'infohash', infohash: info.infohash }, info, ...(metainfo && { metainfo }) };
}

/** Normalises an absolute path. Throws `invalid` PATH_NOT_ABSOLUTE. */
export function absolute(path: string): string {
  if (isAbsolute(path)) return resolve(path);
  throw new EnjambreError(
    'invalid',
    'PATH_NOT_ABSOLUTE',
    `"${path}" is not an absolute path: give the full path`,
  );
}

/** The catalogue query for a ref: matches the file with that infohash, or files with exactly that name. */
export function queryOf(ref: TransferRef): string {
  return ref.kind === 'infohash' ? ref.infohash : ref.name.trim();
}
