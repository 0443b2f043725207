import { checkNotNamesake, MetainfoPlan } from '@enjambre/core/metainfo-plan';
import { StepCount } from '@enjambre/core/steps';
import { turns } from '@enjambre/common/async/turns';
import type { ScannedContent } from '../ports/sharing.js';

/**
 * Chooses the piece length of content to share, before any of it is read. Throws `invalid` if no metainfo can describe
 * the content: TOO_MANY_FILES, BAD_PIECE_LENGTH, NAMESAKE.
 *
 * @param wanted the requested piece length; 0 chooses it by size
 */
export async function planPieces(
  { files, isFolder }: ScannedContent,
  name: string,
  wanted: number,
): Promise<number> {
  if (isFolder) checkNotNamesake(name, files);
  const plan = new MetainfoPlan();
  const step = new StepCount();
  for (const file of files) {
    plan.add(file);
    if (step.isFull() && turns.isOver) await turns.next();
  }
  return plan.pieceLength(name, wanted || undefined);
}
