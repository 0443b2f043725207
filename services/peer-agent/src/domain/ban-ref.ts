import { EnjambreError } from '@enjambre/core/error';
import { withDigits } from '@enjambre/core/named';
import { quote } from '@enjambre/core/quote';
import type { Ban } from './ban-list.js';

/** More of them help nobody. */
const MAX_CHOICES = 5;
/** Enough to tell one id from another. */
const CHOICE_DIGITS = 12;

/**
 * The ban of the peer that `text` names: its name, or the first 8 or more digits of its
 * id. As with refs of files, a name counts before a prefix. Throws `invalid` BAD_PEER,
 * `not-found` NOT_BANNED, `precondition` AMBIGUOUS_PEER.
 */
export function findBan(text: string, bans: readonly Ban[]): Ban {
  if (text === '') {
    throw new EnjambreError('invalid', 'BAD_PEER', 'say which peer: its name, or 8 or more digits of its id');
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
