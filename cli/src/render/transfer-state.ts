import { TrackerState, TransferState } from '@enjambre/proto/gen/enjambre/agent/v1/agent';

/** State of a transfer, as printed for people and programs. */
export type StateWord =
  | 'unknown'
  | 'resolving'
  | 'checking'
  | 'downloading'
  | 'seeding'
  | 'missing'
  | 'paused'
  | 'finished'
  | 'failed';

const STATE_WORDS: ReadonlyMap<TransferState, StateWord> = new Map([
  [TransferState.RESOLVING, 'resolving'],
  [TransferState.CHECKING, 'checking'],
  [TransferState.DOWNLOADING, 'downloading'],
  [TransferState.SEEDING, 'seeding'],
  [TransferState.MISSING, 'missing'],
  [TransferState.PAUSED, 'paused'],
  [TransferState.FINISHED, 'finished'],
  [TransferState.FAILED, 'failed'],
]);

/** True for states in which the content is complete and verified. */
export function isWhole({ state }: { readonly state: TransferState }): boolean {
  return state === TransferState.SEEDING || state === TransferState.FINISHED;
}

/** The word for a state; `unknown` for one that only a newer agent has. */
export function stateWord(state: TransferState): StateWord {
  return STATE_WORDS.get(state) ?? 'unknown';
}

/** The word in `--json`; undefined for a state that only a newer agent has. */
export function stateJson(state: TransferState): StateWord | undefined {
  return STATE_WORDS.get(state);
}

/** State of an agent's tracker session, in a word. */
export function trackerStateWord(state: TrackerState): 'connected' | 'connecting' | 'unknown' {
  if (state === TrackerState.CONNECTED) return 'connected';
  return state === TrackerState.CONNECTING ? 'connecting' : 'unknown';
}
