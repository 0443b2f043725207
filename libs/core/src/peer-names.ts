import { EnjambreError } from './error.js';
import type { PeerId } from './ids.js';
import { shortId } from './ids.js';
import { quote } from './quote.js';

/** Longest name of a peer, in UTF-16 code units of its canonical form. */
export const MAX_PEER_NAME_CHARS = 64;
/** Longer texts are refused without further checks: some characters disappear or shrink, so this is more. */
const ABSURD_NAME_CHARS = 4 * MAX_PEER_NAME_CHARS;
/** Characters that show nothing: zero widths, bidi controls, variation selectors, fillers. */
const HIDDEN = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
/** White space, and the blank of Braille, which looks like it. */
const SPACES = /[\s\u2800]+/gu;
/** The end of a {@link shownName}. */
const SHOWN_ID = /\([0-9a-f]{8}\)$/i;

/**
 * The form of a peer's name that others see: NFKC, without characters that show nothing, white space as single
 * spaces inside only. Names that look the same this way are the same name; similar letters of different scripts
 * are not (Unicode TR 39 describes those).
 *
 * @throws `invalid` BAD_NAME for control characters, for invalid Unicode, for a name that is empty or longer than
 *   {@link MAX_PEER_NAME_CHARS}, and for one that ends like a {@link shownName}
 */
export function canonicalName(text: string): string {
  if (text.trim() === '') throw new EnjambreError('invalid', 'BAD_NAME', 'a name is missing');
  if (text.length > ABSURD_NAME_CHARS) throw badName(text, TOO_LONG);
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) throw badName(text, 'holds a control character');
  if (/\p{Surrogate}/u.test(text)) throw badName(text, 'is not valid Unicode');
  // What stood on both sides of a hidden character may combine.
  const visible = text.normalize('NFKC').replace(HIDDEN, '').normalize('NFKC');
  const name = visible.replace(SPACES, ' ').trim().normalize('NFKC');
  if (name === '') throw badName(text, 'shows no character');
  if (name.length > MAX_PEER_NAME_CHARS) throw badName(text, TOO_LONG);
  if (SHOWN_ID.test(name))
    throw badName(text, 'ends with 8 digits in parentheses, which mark a second peer of a name');
  return name;
}

/** Equal for canonical names that differ only in the case of their letters: to people they are one name. */
export function nameKey(name: string): string {
  return name.toUpperCase().toLowerCase().normalize('NFKC');
}

/**
 * How a peer is shown whose name another peer used first: "alice (1a2b3c4d)". A long name is cut, so that the result is
 * no longer than {@link MAX_PEER_NAME_CHARS}.
 */
export function shownName(name: string, id: PeerId): string {
  const suffix = ` (${shortId(id)})`;
  let shown = '';
  for (const character of name) {
    if (shown.length + character.length + suffix.length > MAX_PEER_NAME_CHARS) break;
    shown += character;
  }
  return shown + suffix;
}

const TOO_LONG = `is longer than ${MAX_PEER_NAME_CHARS} characters`;

function badName(text: string, fault: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_NAME', `the name ${quote(text)} ${fault}: choose another`);
}
