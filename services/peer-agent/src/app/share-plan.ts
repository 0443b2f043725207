import { setImmediate as turn } from 'node:timers/promises';
import { checkNotNamesake, MetainfoPlan } from '@enjambre/core/metainfo-plan';
import type { ScannedContent } from './ports.js';

/** Files counted before others have their turn. */
const FILES_A_TURN = 2000;

/**
 * The piece length to share content with, before a byte of it is read. Throws `invalid` if nothing
 * can describe it: TOO_MANY_FILES, BAD_PIECE_LENGTH, NAMESAKE.
 * @param wanted 0 to choose
 */
export async function planPieces(
  { files, isFolder }: ScannedContent,
  name: string,
  wanted: number,
): Promise<number> {
  if (isFolder) checkNotNamesake(name, files);
  const plan = new MetainfoPlan();
  for (const [index, file] of files.entries()) {
    if (index % FILES_A_TURN === FILES_A_TURN - 1) await turn();
    plan.add(file);
  }
  return plan.pieceLength(name, wanted || undefined);
}
