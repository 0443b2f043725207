import type { PeerId } from '@enjambre/core/ids';
import type { RaceAnswer } from '../../domain/metainfo-race.js';

export interface SearchState {
  /** Whether the tracker has listed the peers of the swarm. */
  readonly isTold: boolean;
  /** Number of peers listed by the tracker. */
  readonly known: number;
  readonly answers: readonly RaceAnswer[];
  readonly endpointOf: (peer: PeerId) => string;
  /** Why the last peer failed, as a sentence; empty if none has. */
  readonly lastFailure: string;
}

export const WAITING_FOR_PEERS = 'waiting for peers from the tracker';

/** State of a search for metainfo, for people. */
export function searchText({ isTold, known, answers, endpointOf, lastFailure }: SearchState): string {
  if (!isTold && known === 0) return WAITING_FOR_PEERS;
  if (known === 0)
    return lastFailure === '' ? 'no known peer has it yet' : `no known peer has it; ${lastFailure}`;
  if (answers.length === 0)
    return lastFailure === '' ? 'about to request the metainfo' : `${lastFailure}; asking again soon`;
  const [best] = [...answers].sort((one, other) => other.done - one.done);
  const silent = answers.filter((answer) => answer.silent).sort((one, other) => other.askedMs - one.askedMs);
  const asking = `asking ${answers.length === 1 ? '1 peer' : `${answers.length} peers`} for the metainfo`;
  const received =
    best && best.done > 0 ? `${Math.floor(best.done * 100)}% received from ${endpointOf(best.peer)}` : '';
  const about = silentText(silent.map(({ peer }) => endpointOf(peer))) || lastFailure;
  return [asking, received, about].filter((part) => part !== '').join('; ');
}

/** `10.0.0.3:7072 and 2 others do not answer`; empty if all do. */
export function silentText(endpoints: readonly string[]): string {
  const [first, second] = endpoints;
  if (first === undefined) return '';
  if (second === undefined) return `${first} does not answer`;
  const others = endpoints.length === 2 ? second : `${endpoints.length - 1} others`;
  return `${first} and ${others} do not answer`;
}
