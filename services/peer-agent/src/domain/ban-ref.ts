import { EnjambreError } from '@enjambre/core/error';
import { withDigits } from '@enjambre/core/named';
import { quote } from '@enjambre/core/quote';
import type { Ban } from './ban-list.js';

/** More choices do not help. */
const MAX_CHOICES = 5;
/** Enough digits to distinguish ids. */
const CHOICE_DIGITS = 12;

/**
 * Finds the ban of the peer that `text` names: by its name, or the first 8 or more digits of its id. As with refs of
 * files, a name takes precedence over a prefix. Throws `invalid` BAD_PEER, `not-found` NOT_BANNED, `precondition`
 * AMBIGUOUS_PEER.
 */
export function findBan(text: string, bans: readonly Ban[]): Ban {
  if (text === '') {
    throw new EnjambreError(
      'invalid',
      'BAD_PEER',
      'no peer given: give its name, or 8 or more digits of its id',
    );
  }
  const named = bans.filter(({ name }) => name === text);
  const matching = named.length === 0 ? withDigits(text, bans, ({ peerId }) => peerId) : named;
  const [found] = matching;
  if (!found) {
    const message = `this agent has no ban on ${quote(text)}`;
    throw new EnjambreError('not-found', 'NOT_BANNED', message, { metadata: { remedy: 'see-bans' } });
  }
  if (matching.length === 1) return found;
  const some = matching.slice(0, MAX_CHOICES).map(({ peerId }) => peerId.slice(0, CHOICE_DIGITS));
  const choices = [...some, ...(some.length < matching.length ? ['…'] : [])].join(', ');
  throw new EnjambreError(
    'precondition',
    'AMBIGUOUS_PEER',
    `${quote(text)} may be one of ${choices}: say which`,
  );
}
