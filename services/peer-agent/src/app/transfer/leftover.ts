import type { Metainfo } from '@enjambre/core/metainfo';
import type { StoreFactory } from '../ports/store-factory.js';

/** Returns `folder` if a download into it left a part there, or if the entry with its final name may be the content. */
export async function findLeftover(
  metainfo: Metainfo,
  folder: string,
  stores: StoreFactory,
): Promise<string | undefined> {
  const isThere =
    (await stores.download(metainfo, folder, false).exists()) ||
    (await stores.download(metainfo, folder, true).fingerprint()) !== undefined;
  return isThere ? folder : undefined;
}
