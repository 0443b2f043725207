import { EnjambreError } from '@enjambre/core/error';
import type { DownloadRequest } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { DownloadSource } from '../../app/transfer/download-source.js';

/** Throws `invalid` BAD_REF if there is none. */
export function sourceOf(source: DownloadRequest['source']): DownloadSource {
  switch (source?.$case) {
    case 'metainfo':
      return { kind: 'metainfo', bytes: source.value };
    case 'ref':
      return { kind: 'ref', ref: source.value };
    case undefined:
      throw new EnjambreError('invalid', 'BAD_REF', 'no source given: set ref or metainfo');
  }
}
