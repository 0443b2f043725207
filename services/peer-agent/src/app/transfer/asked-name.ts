import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import { quote } from '@enjambre/core/quote';
import type { TransferRecord } from '../../domain/transfer-record.js';

/**
 * Strangers write the catalogue: content that a person asked for by name must have the name and the size that the
 * catalogue gave. A name that nobody asked for must not hide what is written, as `.ssh` does. Throws `precondition`
 * NAME_MISMATCH or HIDDEN_NAME.
 */
export function checkAskedName(
  { name, totalLength }: Pick<Metainfo, 'name' | 'totalLength'>,
  { askedByName, name: asked, bytesTotal }: Pick<TransferRecord, 'askedByName' | 'name' | 'bytesTotal'>,
): void {
  const found = `${quote(name)} (${totalLength} bytes)`;
  if (askedByName && (name !== asked || (bytesTotal > 0 && totalLength !== bytesTotal))) {
    const listed = `${quote(asked)} (${bytesTotal} bytes)`;
    const message = `the catalogue lists ${listed}, but the content is ${found}: nothing was written. Remove the transfer; if this is the content that you want, download it by its infohash`;
    throw new EnjambreError('precondition', 'NAME_MISMATCH', message);
  }
  if (!askedByName && name.startsWith('.')) {
    const message = `the content is ${found}, a hidden name: nothing was written. Remove the transfer; if you want this content, download it by its exact name`;
    throw new EnjambreError('precondition', 'HIDDEN_NAME', message);
  }
}
