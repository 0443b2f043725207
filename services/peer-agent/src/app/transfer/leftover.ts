import type { Metainfo } from '@enjambre/core/metainfo';
import type { StoreFactory } from '../ports/store-factory.js';

/** `folder` if a download into it has left a part there, or what has its name there could be the very same. */
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
