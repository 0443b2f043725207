import { EnjambreError } from '@enjambre/core/error';
import type { Effect } from './effects.js';
import type { Session } from './swarm.js';

export function replaced(session: Session): Effect {
  const message = 'the same peer connected again: only its newest session stays open';
  return { type: 'close', session, error: new EnjambreError('aborted', 'REPLACED', message) };
}

export function swarmNotFound(to: Session): Effect {
  const message = 'no connected peer has that file: peers are sent as they join';
  return { type: 'problem', to, error: new EnjambreError('not-found', 'SWARM_NOT_FOUND', message) };
}

export function fileMismatch(to: Session): Effect {
  const message = 'another peer describes that infohash differently: the catalogue marks it as disputed';
  return { type: 'problem', to, error: new EnjambreError('precondition', 'FILE_MISMATCH', message) };
}

export function badPublication(to: Session): Effect {
  const message = 'a publication is not signed by its publisher, or is of another file: it is ignored';
  return { type: 'problem', to, error: new EnjambreError('invalid', 'BAD_PUBLICATION', message) };
}

export function futurePublication(to: Session): Effect {
  const message =
    'a publication has a time in the future and is ignored: set the clock of the machine of its publisher';
  return { type: 'problem', to, error: new EnjambreError('invalid', 'PUBLICATION_IN_FUTURE', message) };
}
