import {
  KeptReason as WireReason,
  type RemoveTransferResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Deletion, KeptReason } from '../../app/ports/piece-store.js';

const REASONS: Readonly<Record<KeptReason, WireReason>> = {
  'taken-over': WireReason.TAKEN_OVER,
  unknown: WireReason.UNKNOWN,
  changed: WireReason.CHANGED,
  replaced: WireReason.REPLACED,
  foreign: WireReason.FOREIGN,
};

export function deletionToWire({
  tried,
  deleted,
  kept,
  paths,
}: Deletion & { readonly tried: boolean }): Omit<RemoveTransferResponse, 'transfer'> {
  return {
    // A transfer without any bytes had nothing to delete and keeps nothing.
    filesDeleted: tried && (deleted > 0 || kept === 0),
    deletedCount: deleted,
    keptCount: kept,
    kept: paths.map(({ path, reason }) => ({ path, reason: REASONS[reason] })),
  };
}
