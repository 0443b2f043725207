import { isAbsolute, resolve } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import { parseTorrentSteps, type TorrentInfo } from '@enjambre/core/metainfo-parse';
import { turns } from '@enjambre/common/async/turns';
import { parseRef, type TransferRef } from '../../domain/transfer-ref.js';

/** What a download is asked for by. */
export type DownloadSource =
  { readonly kind: 'ref'; readonly ref: string } | { readonly kind: 'metainfo'; readonly bytes: Uint8Array };

/**
 * What it means. Of a torrent without all its piece layers only `info` is known: peers have the rest. Throws
 * `invalid` BAD_REF or BAD_METAINFO.
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

/** Throws `invalid`, PATH_NOT_ABSOLUTE. */
export function absolute(path: string): string {
  if (isAbsolute(path)) return resolve(path);
  throw new EnjambreError(
    'invalid',
    'PATH_NOT_ABSOLUTE',
    `"${path}" is not an absolute path: write it from the root`,
  );
}

/** The tracker's query for a ref: it finds the file of that infohash, and files of exactly that name. */
export function queryOf(ref: TransferRef): string {
  return ref.kind === 'infohash' ? ref.infohash : ref.name.trim();
}
