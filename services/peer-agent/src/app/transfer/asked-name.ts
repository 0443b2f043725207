import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import { quote } from '@enjambre/core/quote';
import type { TransferRecord } from '../../domain/transfer-record.js';

/**
 * Checks the metainfo of a download, since anyone can publish to the catalogue. Content requested by name must have the
 * name and size that the catalogue listed; other content must not have a hidden name, such as `.ssh`. Throws
 * `precondition` NAME_MISMATCH or HIDDEN_NAME.
 */
export function checkAskedName(
  { name, totalLength }: Pick<Metainfo, 'name' | 'totalLength'>,
  { askedByName, name: asked, bytesTotal }: Pick<TransferRecord, 'askedByName' | 'name' | 'bytesTotal'>,
): void {
  const found = `${quote(name)} (${totalLength} bytes)`;
  if (askedByName && (name !== asked || (bytesTotal > 0 && totalLength !== bytesTotal))) {
    const listed = `${quote(asked)} (${bytesTotal} bytes)`;
    const message = `the catalogue lists ${listed}, but the content is ${found}: nothing was written. Remove the transfer; to download this content anyway, use its infohash`;
    throw new EnjambreError('precondition', 'NAME_MISMATCH', message);
  }
  if (!askedByName && name.startsWith('.')) {
    const message = `the content is ${found}, which is a hidden name: nothing was written. Remove the transfer; to download this content anyway, use its exact name`;
    throw new EnjambreError('precondition', 'HIDDEN_NAME', message);
  }
}
