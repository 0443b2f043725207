import { copiesOf, pathOfCopy, withCopy, withoutCopy } from '../../domain/copies.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { openContent, type Content } from '../content.js';
import type { ContentHasher, ScannedContent } from '../ports/sharing.js';
import type { StoreFactory } from '../ports/store-factory.js';

/** True if the whole content at a path, or the copy in use, looks as it did when it was found to be right. */
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

/** What of a record is different then; undefined if no copy is left. */
export type CopiesChange = (
  record: TransferRecord,
  content: Content | undefined,
) => Promise<Partial<TransferRecord> | undefined>;

interface AddingParts {
  readonly stores: StoreFactory;
  readonly hasher: ContentHasher;
}

/** The same content was just found and hashed at another path, too. Throws `precondition` CHANGED_WHILE_READ. */
export function adding(found: ScannedContent, { stores, hasher }: AddingParts): CopiesChange {
  const { path } = found;
  return async (record, content) => {
    const fingerprint = content && (await stores.original(content.metainfo, path).fingerprint());
    // After the fingerprint: it is of what was hashed.
    await hasher.confirm(found);
    return fingerprint === undefined ? {} : withCopy(record, { origin: true, location: path, fingerprint });
  };
}

/** It is not to be offered from a path any more. */
export function dropping(path: string): CopiesChange {
  return (record) => Promise.resolve(withoutCopy(record, path));
}
