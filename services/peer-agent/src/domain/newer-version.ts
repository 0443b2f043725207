import { sameName } from '@enjambre/core/names';
import type { Choice } from './choose-file.js';
import { byPublisher } from './publication.js';
import type { TransferRecord } from './transfer-record.js';

type Followed = Pick<TransferRecord, 'infohash' | 'name' | 'publication'>;

/**
 * The version to which a download moves that follows its name: the newest one of its own publisher, whatever others
 * share under the name. Undefined if that is the present one. A tracker that has lost its memory counts versions from 1
 * again: if it does not know the present one, the time decides.
 */
export function newerVersion<T extends Choice>(
  { infohash, name, publication }: Followed,
  files: readonly T[],
): T | undefined {
  if (!publication) return undefined;
  const { publisher, publishedAtMs } = publication;
  const versionOf = (file: T): number => byPublisher(file, publisher.id)?.version ?? 0;
  const versions = files.filter((file) => sameName(file.name, name) && versionOf(file) > 0);
  const [newest] = [...versions].sort((one, other) => versionOf(other) - versionOf(one));
  if (!newest || newest.infohash === infohash) return undefined;
  const present = versions.find((file) => file.infohash === infohash);
  const isNewer = present ?? (byPublisher(newest, publisher.id)?.publishedAtMs ?? 0) > publishedAtMs;
  return isNewer ? newest : undefined;
}
