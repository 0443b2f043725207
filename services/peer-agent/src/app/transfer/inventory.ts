import { Bitfield } from '@enjambre/core/bitfield';
import type { PieceLayout } from '@enjambre/core/layout';
import { withOwn, type OwnFiles } from '../../domain/own-files.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { contentChanged, isNamed, openContent, type Content } from '../content.js';
import type { ProgressLog } from '../ports/archives.js';
import type { StoreFactory } from '../ports/store-factory.js';
import { ALL_OF_IT } from './removal.js';
import { sampleHolds, verifyPieces } from './verification.js';

/** What is on disk of a transfer, and where. */
export interface Inventory {
  readonly content: Content;
  readonly have: Bitfield;
  /** How the files were when they were found to be right, or before they were hashed; see {@link PieceStore.fingerprint}. */
  readonly fingerprint?: string | undefined;
  /** Which of the files are the agent's own, if that is another than the record says. */
  readonly ownFiles?: OwnFiles;
}

/** All pieces of it are on disk. `fingerprint` is undefined if they were written just now. */
export type WholeContent = Omit<Inventory, 'have'>;

export interface InventoryOptions {
  readonly stores: StoreFactory;
  readonly progress: ProgressLog;
  readonly signal: AbortSignal;
  /** Called before all pieces are hashed; what it returns, after each. */
  readonly checking: () => () => void;
  /** Keeps through any crash what is about to get its name; see {@link PieceStore.identity}. */
  readonly naming: (assembly: string) => Promise<void>;
}

/** Finds out which pieces are on disk: believed where that is safe, else hashed. */
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
 * Where the missing pieces go, and whether that is their own name already: what has it is
 * repaired there, all else is assembled apart. Throws `already-exists`, PATH_EXISTS, if
 * the name is taken by something else.
 */
export async function openAssembly(
  content: Content,
  record: TransferRecord,
  stores: StoreFactory,
): Promise<{ content: Content; inPlace: boolean; ownFiles: OwnFiles }> {
  if (record.inPlace && (await content.store.exists())) {
    // What is not there the agent makes; what is there stays whose it is.
    const missing = await content.store.missingFiles();
    const ownFiles = withOwn(record.ownFiles, missing, content.metainfo.files.length);
    return { content, inPlace: true, ownFiles };
  }
  await stores.checkTarget(record.location, content.metainfo.name);
  const apart = { inPlace: false, ownFiles: 'none' };
  if (!record.inPlace && !isNamed(content.store, record)) return { content, ...apart };
  return { content: openContent(content.metainfo, { ...record, ...apart }, stores), ...apart };
}

/**
 * Gives a whole download its name, and seals it, or a share, as it was when it was found to be right. If the name is taken by the very
 * same content, such as by another agent that downloads into the same folder, that is taken
 * over. Throws `already-exists`, PATH_EXISTS, if it is taken by anything else, and
 * `precondition`, CONTENT_CHANGED, if files of a share are longer than they were.
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
  // What was found under its name, and what has it already.
  const hasName = record.origin || record.inPlace || whole.ownFiles !== undefined;
  const assembly = hasName ? '' : await content.store.identity();
  if (assembly !== '') await options.naming(assembly);
  if (hasName && (await hasOtherSizes(whole))) throw contentChanged(content.store.path);
  const publication = await content.store.publish();
  if (publication.isTaken) {
    const published = await findPublished(content, record, options);
    if (!published) throw publication.error;
    return published;
  }
  const { warning } = publication;
  // The rename is a change of its inode: how it was before is of no use.
  return hasName ? { ...whole, warning } : { content, ownFiles: 'all', warning };
}

/** True if files that had their right sizes before they were hashed do not any more: they are not cut or filled up. */
async function hasOtherSizes({ content: { store }, fingerprint }: WholeContent): Promise<boolean> {
  if (fingerprint === undefined || (await store.fingerprint()) !== undefined) return false;
  return (await store.survey()).absent === undefined;
}

/**
 * The whole content under its name already, though nothing was noted of it: a crash came
 * between the two, somebody put it there, or another agent did. Undefined if what has the
 * name is anything else: that is not ours to touch.
 */
async function findPublished(
  content: Content,
  { origin, inPlace, location, assembly }: TransferRecord,
  options: InventoryOptions,
): Promise<Inventory | undefined> {
  if (origin || inPlace) return undefined;
  const store = options.stores.download(content.metainfo, location, true);
  if ((await store.fingerprint()) === undefined) return undefined;
  const published = { ...content, store };
  const found = await checkAll(published, options);
  if (!found.have.isFull()) return undefined;
  // If it was renamed and could not say so, it is the very same.
  if (content.store.path !== store.path) await content.store.delete(ALL_OF_IT);
  const isOurs = assembly !== '' && (await store.identity()) === assembly;
  return { ...found, ownFiles: isOurs ? 'all' : 'none' };
}

/**
 * Pieces on disk that can be believed without reading all of them: those of complete
 * content that looks as it did, or those that the progress log claims, the unsure ones
 * hashed. Undefined if what is there contradicts the records, or there are none that can
 * be believed: then all must be hashed. Of an original there is no other record than its look.
 */
async function believedPieces(
  { layout, store }: Content,
  record: TransferRecord,
  { progress, signal }: InventoryOptions,
): Promise<Omit<Inventory, 'content'> | undefined> {
  const parts = { layout, store, signal };
  if (record.complete || record.origin) {
    const all = Bitfield.full(layout.pieceCount);
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

/** True if complete content looks as it did when it was complete. */
export async function looksAsNoted(
  { store }: Pick<Content, 'store'>,
  { fingerprint }: TransferRecord,
): Promise<boolean> {
  return fingerprint !== '' && (await store.fingerprint()) === fingerprint;
}

/** True if all of it is there, and nothing more. */
export async function isWhole({ content, have }: Pick<Inventory, 'content' | 'have'>): Promise<boolean> {
  return have.isFull() && (await content.store.fingerprint()) !== undefined;
}

/** Hashes all that is on disk. */
async function checkAll(content: Content, { signal, checking }: InventoryOptions): Promise<Inventory> {
  const { layout, store } = content;
  const fingerprint = await store.fingerprint();
  const have = await verifyPieces(allPieces(layout), { layout, store, signal }, checking());
  return { content, have, fingerprint };
}

function* allPieces(layout: PieceLayout): Iterable<number> {
  for (let piece = 0; piece < layout.pieceCount; piece++) yield piece;
}
