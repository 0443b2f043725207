import type { Bitfield } from '@enjambre/core/bitfield';
import { ownSelection, withOwn, type OwnFiles } from '../../domain/own-files.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { contentChanged, isNamed, openContent, type Content } from '../content.js';
import type { ReplacedContent } from '../ports/piece-store.js';
import type { ProgressLog } from '../ports/archives.js';
import type { StoreFactory } from '../ports/store-factory.js';
import { ALL_OF_IT } from './removal.js';
import { sampleHolds, verifyPieces } from './verification.js';

/** What a transfer has on disk, and where. */
export interface Inventory {
  readonly content: Content;
  readonly have: Bitfield;
  /** Fingerprint of the files, at the last successful check or before hashing; see {@link PieceStore.fingerprint}. */
  readonly fingerprint?: string | undefined;
  /** Which files are the agent's own, if it differs from the record. */
  readonly ownFiles?: OwnFiles;
}

/** Content with all pieces on disk. `fingerprint` is undefined if they were just written. */
export type WholeContent = Omit<Inventory, 'have'>;

export interface InventoryOptions {
  readonly stores: StoreFactory;
  readonly progress: ProgressLog;
  readonly signal: AbortSignal;
  /** Called before all pieces are hashed; the function that it returns is called after each piece. */
  readonly checking: () => () => void;
  /** Saves the identity of the part that is about to get its final name; see {@link PieceStore.identity}. */
  readonly naming: (assembly: string) => Promise<void>;
  /** Makes way for content that is about to get its final name; see {@link PieceStore.publish}. */
  readonly replacing: () => Promise<readonly ReplacedContent[] | undefined>;
}

/** Finds out which pieces are on disk: from the records where these can be trusted, otherwise by hashing. */
export async function takeInventory(
  content: Content,
  record: TransferRecord,
  options: InventoryOptions,
): Promise<Inventory> {
  const published = await findPublished(content, record, options);
  if (published) return published;
  const believed = record.recheck ? undefined : await believedPieces(content, record, options);
  if (believed) return { content, ...believed };
  return checkAll(content, options);
}

/**
 * Where missing pieces are written: content that already has its final name is repaired in place, all other content is
 * assembled apart. Throws `already-exists` PATH_EXISTS if something else has the name.
 */
export async function openAssembly(
  content: Content,
  record: TransferRecord,
  stores: StoreFactory,
): Promise<{ content: Content; inPlace: boolean; ownFiles: OwnFiles }> {
  if (record.inPlace && (await content.store.exists())) {
    // The agent creates the missing files; existing files keep their owner.
    const missing = await content.store.missingFiles();
    const ownFiles = withOwn(record.ownFiles, missing, content.metainfo.files.length);
    return { content, inPlace: true, ownFiles };
  }
  await stores.checkTarget(record.location, content.metainfo.name, undefined, record.replace !== 'none');
  const apart = { inPlace: false, ownFiles: 'none' };
  if (!record.inPlace && !isNamed(content.store, record)) return { content, ...apart };
  return { content: openContent(content.metainfo, { ...record, ...apart }, stores), ...apart };
}

/**
 * Gives a complete download its final name, then seals it (shares are only sealed) in the state in which it was
 * verified. If identical content has the name, for example from another agent that downloads into the same folder, that
 * is taken over. Throws `already-exists` PATH_EXISTS if anything else has the name, and `precondition` CONTENT_CHANGED
 * if files changed since they were verified.
 */
export async function publish(
  whole: WholeContent,
  record: TransferRecord,
  options: InventoryOptions,
): Promise<{ content: Content; fingerprint: string; ownFiles: OwnFiles; warning: string }> {
  const named = await giveName(whole, record, options);
  const { content, ownFiles = record.ownFiles, warning = record.warning } = named;
  const fingerprint = await content.store.seal(named.fingerprint);
  if (fingerprint === undefined) throw contentChanged(content.store.path);
  return { content, fingerprint, ownFiles, warning };
}

async function giveName(
  whole: WholeContent,
  record: TransferRecord,
  options: InventoryOptions,
): Promise<WholeContent & { warning?: string | undefined }> {
  const { content } = whole;
  // Shares, published downloads, and content found under its final name.
  const hasName = record.origin || record.inPlace || whole.ownFiles !== undefined;
  const assembly = hasName ? '' : await content.store.identity();
  if (assembly !== '') await options.naming(assembly);
  if (hasName && (await hasOtherSizes(whole))) throw contentChanged(content.store.path);
  const publication = await content.store.publish(hasName ? undefined : await options.replacing());
  if (publication.isTaken) {
    const published = await findPublished(content, record, options);
    if (!published) throw publication.error;
    return published;
  }
  const { warning } = publication;
  // The rename changes the inode: an earlier fingerprint is useless.
  return hasName ? { ...whole, warning } : { content, ownFiles: ownFilesOf(content), warning };
}

/** The files of a download that the agent has created all by itself. */
function ownFilesOf({ metainfo, selection }: Content): OwnFiles {
  return ownSelection(selection.files(), metainfo.files.length);
}

/** True if files had the right sizes before hashing and no longer have: they must not be truncated or extended. */
async function hasOtherSizes({ content: { store }, fingerprint }: WholeContent): Promise<boolean> {
  if (fingerprint === undefined || (await store.fingerprint()) !== undefined) return false;
  return (await store.survey()).absent === undefined;
}

/**
 * The complete content under its final name although the record does not say so: a crash came between the rename and
 * the record, or a user or another agent put it there. Undefined if anything else has the name: that must not be
 * touched.
 */
async function findPublished(
  content: Content,
  { origin, inPlace, location, assembly }: TransferRecord,
  options: InventoryOptions,
): Promise<Inventory | undefined> {
  if (origin || inPlace) return undefined;
  const { metainfo, selection } = content;
  const store = options.stores.download(metainfo, location, true, selection);
  if ((await store.fingerprint()) === undefined) return undefined;
  const published = { ...content, store };
  const found = await checkAll(published, options);
  if (!selection.isDone(found.have)) return undefined;
  // After a rename that failed to report its success, both paths are the same.
  if (content.store.path !== store.path) await content.store.delete(ALL_OF_IT);
  const isOurs = assembly !== '' && (await store.identity()) === assembly;
  return { ...found, ownFiles: isOurs ? ownFilesOf(content) : 'none' };
}

/**
 * Pieces that can be trusted to be on disk without hashing all of them: all pieces of complete content with an
 * unchanged fingerprint, or those in the progress log, after hashing the unsure ones. Undefined if the content
 * contradicts the records, or there are none: all pieces must then be hashed. For shares the fingerprint is the only
 * record.
 */
async function believedPieces(
  { layout, selection, store }: Content,
  record: TransferRecord,
  { progress, signal }: InventoryOptions,
): Promise<Omit<Inventory, 'content'> | undefined> {
  const parts = { layout, store, signal };
  if (record.complete || record.origin) {
    const all = selection.pieces.clone();
    const { fingerprint } = record;
    const unchanged = await looksAsNoted({ store }, record);
    return unchanged && (await sampleHolds(all, parts)) ? { have: all, fingerprint } : undefined;
  }
  const noted = await progress.load(layout.pieceCount);
  if (!noted) return undefined;
  const { have, unsure } = noted;
  if (!(await sampleHolds(have, parts))) return undefined;
  for (const piece of (await verifyPieces(unsure, parts)).indexes()) have.set(piece);
  return { have };
}

/** True if complete content still has its recorded fingerprint. */
export async function looksAsNoted(
  { store }: Pick<Content, 'store'>,
  { fingerprint }: TransferRecord,
): Promise<boolean> {
  return fingerprint !== '' && (await store.fingerprint()) === fingerprint;
}

/** True if all pieces are present and all files have the right size. */
export async function isWhole({ content, have }: Pick<Inventory, 'content' | 'have'>): Promise<boolean> {
  return content.selection.isDone(have) && (await content.store.fingerprint()) !== undefined;
}

/** Hashes all selected pieces on disk. */
async function checkAll(content: Content, { signal, checking }: InventoryOptions): Promise<Inventory> {
  const { layout, selection, store } = content;
  const fingerprint = await store.fingerprint();
  const have = await verifyPieces(selection.pieces.indexes(), { layout, store, signal }, checking());
  return { content, have, fingerprint };
}
