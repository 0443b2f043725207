import { copiesOf, pathOfCopy, withCopy, withoutCopy } from '../../domain/copies.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { openContent, type Content } from '../content.js';
import type { ContentHasher, ScannedContent } from '../ports/sharing.js';
import type { StoreFactory } from '../ports/store-factory.js';

/** True if the complete content at a path, default the copy in use, still has the fingerprint of its last check. */
export async function looksUnchanged(
  content: Content | undefined,
  record: TransferRecord,
  stores: StoreFactory,
  path: string | undefined,
): Promise<boolean> {
  if (!content) return false;
  const { complete, fingerprint, name } = record;
  const copy = copiesOf(record).find((each) => pathOfCopy(each, name) === path);
  const inUse = path === undefined || pathOfCopy(record, name) === path;
  if (inUse) return complete && (await content.store.fingerprint()) === fingerprint;
  if (!copy) return false;
  const { store } = openContent(content.metainfo, { ...record, ...copy, inPlace: true }, stores);
  return (await store.fingerprint()) === copy.fingerprint;
}

/** Computes changes of a record, mostly of its copies; undefined if no copy is left. */
export type CopiesChange = (
  record: TransferRecord,
  content: Content | undefined,
) => Promise<Partial<TransferRecord> | undefined>;

interface AddingParts {
  readonly stores: StoreFactory;
  readonly hasher: ContentHasher;
}

/** Adds a copy: the same content was just hashed at another path. Throws `precondition` CHANGED_WHILE_READ. */
export function adding(found: ScannedContent, { stores, hasher }: AddingParts): CopiesChange {
  const { path } = found;
  return async (record, content) => {
    const fingerprint = content && (await stores.original(content.metainfo, path).fingerprint());
    // After the fingerprint, which is thereby that of the hashed content.
    await hasher.confirm(found);
    return fingerprint === undefined ? {} : withCopy(record, { origin: true, location: path, fingerprint });
  };
}

/** Changes nothing of the copies. */
export function noting(change: Partial<TransferRecord>): CopiesChange {
  return () => Promise.resolve(change);
}

/** Removes a copy: the path is no longer shared. */
export function dropping(path: string): CopiesChange {
  return (record) => Promise.resolve(withoutCopy(record, path));
}
