import { basename } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import { nameFault } from '@enjambre/core/names';
import { escapeHidden, quote } from '@enjambre/core/quote';
import { absolute } from './download-source.js';
import { RESERVED_NAME } from '../ports/store-factory.js';
import type { ContentHasher, ScannedContent } from '../ports/sharing.js';
import { planPieces } from './share-plan.js';
import type { ShareOptions } from './transfer-options.js';

/** Scans the content to share, and hashes it as soon as `inTurn` allows. */
export async function hashShare(
  hasher: ContentHasher,
  options: ShareOptions,
): Promise<{ content: ScannedContent; metainfo: Metainfo }> {
  const { signal, progress } = options;
  const path = absolute(options.path);
  const name = options.name || basename(path);
  checkShareName(name, path);
  const content = await hasher.scan(path, { ...options.scan, signal });
  const pieceLength = await planPieces(content, name, options.pieceLength);
  let done = 0;
  const hash = (): Promise<Metainfo> =>
    hasher.hash(content, {
      name,
      pieceLength,
      signal,
      progress: (bytes) => {
        done += bytes;
        progress(done, content.totalLength);
      },
    });
  return { content, metainfo: await (options.inTurn?.(hash) ?? hash()) };
}

function checkShareName(name: string, path: string): void {
  if (name === RESERVED_NAME) throw reservedName();
  const fault = nameFault(name);
  if (fault === undefined) return;
  const message = `${escapeHidden(path)}: the name ${quote(name)} ${fault}: rename it, or choose another`;
  throw new EnjambreError('invalid', 'BAD_NAME', message, { metadata: { setting: 'name' } });
}

function reservedName(): EnjambreError {
  const message = `"${RESERVED_NAME}" is reserved for downloads in progress: share it under another name`;
  return new EnjambreError('invalid', 'BAD_NAME', message, { metadata: { setting: 'name' } });
}
