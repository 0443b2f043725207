import type { PeerId } from '@enjambre/core/ids';
import type { RaceAnswer } from '../../domain/metainfo-race.js';

export interface SearchState {
  /** Peers that the tracker names. */
  readonly known: number;
  readonly answers: readonly RaceAnswer[];
  readonly endpointOf: (peer: PeerId) => string;
  /** What the last peer that failed said; empty if none has. */
  readonly lastFailure: string;
}

/** How a search for metainfo stands, for people. */
export function searchText({ known, answers, endpointOf, lastFailure }: SearchState): string {
  if (known === 0)
    return lastFailure === ''
      ? 'no peer that has it is known yet'
      : `no peer that has it is known; ${lastFailure}`;
  if (answers.length === 0)
    return lastFailure === '' ? 'about to ask for the metainfo' : `${lastFailure}; asking again soon`;
  const [best] = [...answers].sort((one, other) => other.done - one.done);
  const silent = answers.filter((answer) => answer.silent).sort((one, other) => other.askedMs - one.askedMs);
  const asking = `asking ${answers.length === 1 ? '1 peer' : `${answers.length} peers`} for the metainfo`;
  const received =
    best && best.done > 0 ? `${Math.floor(best.done * 100)}% came from ${endpointOf(best.peer)}` : '';
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
