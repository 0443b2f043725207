import {
  KeptReason,
  type KeptPath,
  type RemoveTransferResponse,
  type Transfer,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { transferJson } from './json.js';
import type { JsonObject } from './json-line.js';
import { plain } from './text.js';

type Removed = Omit<RemoveTransferResponse, 'transfer'> & { readonly transfer: Transfer };

const WORDS: Readonly<Partial<Record<KeptReason, { readonly word: string; readonly text: string }>>> = {
  [KeptReason.TAKEN_OVER]: { word: 'TAKEN_OVER', text: 'existed before the download' },
  [KeptReason.UNKNOWN]: {
    word: 'NOT_RECORDED',
    text: 'an older version did not record whether it was downloaded',
  },
  [KeptReason.CHANGED]: { word: 'CHANGED', text: 'has changed since the download' },
  [KeptReason.REPLACED]: { word: 'REPLACED', text: 'was replaced by a link or something else' },
  [KeptReason.FOREIGN]: { word: 'FOREIGN', text: 'is not part of the transfer' },
};
/** Reasons that `--force` overrides. */
const FORCED: readonly KeptReason[] = [KeptReason.TAKEN_OVER, KeptReason.UNKNOWN, KeptReason.CHANGED];

export function removedJson(removed: Removed): JsonObject {
  const { transfer, filesDeleted, deletedCount, keptCount, kept } = removed;
  return {
    ...transferJson('removed', transfer),
    files_deleted: filesDeleted,
    deleted_count: deletedCount,
    kept_count: keptCount,
    kept: kept.map(({ path, reason }) => ({ path, reason: WORDS[reason]?.word })),
  };
}

export function removedLines(removed: Removed): string[] {
  const { transfer, filesDeleted, keptCount, kept } = removed;
  const files = filesDeleted ? 'its files are deleted' : `its files are kept: ${plain(transfer.path)}`;
  const name = plain(transfer.name);
  if (keptCount === 0) return [`${name} is removed; ${files}`];
  const more = keptCount - kept.length;
  return [
    `${name} is removed; ${countText(removed)}`,
    ...kept.map(keptLine),
    ...(more > 0 ? [`  and ${more} more`] : []),
    ...(kept.some(({ reason }) => FORCED.includes(reason))
      ? ['Delete manually what you do not need; --force would have deleted the files of the transfer.']
      : []),
  ];
}

function countText({ deletedCount, keptCount }: Removed): string {
  const files = deletedCount === 1 ? '1 file is deleted' : `${deletedCount} files are deleted`;
  return `${files}, ${keptCount === 1 ? '1 is kept' : `${keptCount} are kept`}:`;
}

function keptLine({ path, reason }: KeptPath): string {
  const text = WORDS[reason]?.text;
  return `  ${plain(path)}${text === undefined ? '' : `: ${text}`}`;
}
