import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import { quote } from '@enjambre/core/quote';
import type { TransferRecord } from '../../domain/transfer-record.js';

type Named = Pick<Metainfo, 'name' | 'totalLength'>;
type Asked = Pick<TransferRecord, 'askedByName' | 'name' | 'sizeBytes'>;

/**
 * Checks the metainfo of a download, since anyone can publish to the catalogue. Content requested by name must have the
 * name and size that the catalogue listed; other content must not have a hidden name, such as `.ssh`. Throws
 * `precondition` NAME_MISMATCH or HIDDEN_NAME.
 */
export function checkAskedName(content: Named, asked: Asked): void {
  const { name, totalLength } = content;
  const { askedByName, name: wanted, sizeBytes } = asked;
  if (askedByName && (name !== wanted || (sizeBytes > 0 && totalLength !== sizeBytes))) {
    const listed = `${quote(wanted)} (${sizeBytes} bytes)`;
    const message = `the catalogue lists ${listed}, but the content is ${found(content)}: nothing was written. Remove the transfer; to download this content anyway, use its infohash`;
    throw new EnjambreError('precondition', 'NAME_MISMATCH', message);
  }
  if (!askedByName && isHidden(content)) {
    const message = `${hidden(content)}. Remove the transfer; to download this content anyway, request it with its exact name`;
    throw new EnjambreError('precondition', 'HIDDEN_NAME', message);
  }
}

/**
 * The same for a `.torrent`, whose maker may be a stranger, before there is a transfer.
 *
 * @param wanted the name that was requested besides; empty for none
 */
export function checkTorrentName(content: Named, wanted: string): void {
  const { name } = content;
  if (wanted !== '' && wanted !== name) {
    const message = `the content is ${found(content)}, not ${quote(wanted)}: nothing was written`;
    throw new EnjambreError('precondition', 'NAME_MISMATCH', message);
  }
  if (wanted !== '' || !isHidden(content)) return;
  const message = `${hidden(content)}. To download it anyway, request this name`;
  throw new EnjambreError('precondition', 'HIDDEN_NAME', message, { metadata: { setting: `name=${name}` } });
}

function isHidden({ name }: Named): boolean {
  return name.startsWith('.');
}

function hidden(content: Named): string {
  return `the content is ${found(content)}, which is a hidden name: nothing was written`;
}

function found({ name, totalLength }: Named): string {
  return `${quote(name)} (${totalLength} bytes)`;
}
