import { TrackerState, TransferState } from '@enjambre/proto/gen/enjambre/agent/v1/agent';

/** A transfer's state, as people and programs read it. */
export type StateWord =
  'unknown' | 'resolving' | 'checking' | 'downloading' | 'seeding' | 'missing' | 'paused' | 'failed';

const STATE_WORDS: ReadonlyMap<TransferState, StateWord> = new Map([
  [TransferState.RESOLVING, 'resolving'],
  [TransferState.CHECKING, 'checking'],
  [TransferState.DOWNLOADING, 'downloading'],
  [TransferState.SEEDING, 'seeding'],
  [TransferState.MISSING, 'missing'],
  [TransferState.PAUSED, 'paused'],
  [TransferState.FAILED, 'failed'],
]);

/** The word for a state; `unknown` for one that a newer agent may have. */
export function stateWord(state: TransferState): StateWord {
  return STATE_WORDS.get(state) ?? 'unknown';
}

/** How an agent stands with its tracker, in a word. */
export function trackerStateWord(state: TrackerState): 'connected' | 'connecting' | 'unknown' {
  if (state === TrackerState.CONNECTED) return 'connected';
  return state === TrackerState.CONNECTING ? 'connecting' : 'unknown';
}
