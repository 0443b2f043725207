import { EnjambreError } from './error.js';
import { quote } from './quote.js';

const MAX_NAME_BYTES = 255;
/** Longer names are refused without further checks: an untrusted name may have megabytes. */
export const ABSURD_NAME_BYTES = 4096;

/**
 * Checks the name of a torrent, file or folder, which becomes a name on the disks of others and a line on
 * their screens: 1 to 255 bytes of UTF-8; not `.` or `..`; without `/`, `\`, control characters (including
 * NUL), line separators or marks that reorder text (bidi). Throws `invalid` BAD_NAME.
 */
export function checkName(name: string): void {
  const fault = nameFault(name);
  if (fault !== undefined) {
    throw new EnjambreError('invalid', 'BAD_NAME', `the name ${quote(name)} ${fault}: choose another`);
  }
}

/** The fault that `checkName` finds: completes a sentence that begins with the name. */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (name === '.' || name === '..') return 'names the folder itself';
  if (/[/\\]/.test(name)) return 'holds a path separator';
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(name)) return 'holds a control character';
  if (/\p{Bidi_Control}/u.test(name)) return 'holds a mark that reorders text';
  if (/\p{Surrogate}/u.test(name)) return 'is not valid Unicode';
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `is longer than ${MAX_NAME_BYTES} bytes`;
  return undefined;
}

/** True for names that look the same but differ in Unicode normalization: to people they are one name. */
export function sameName(one: string, other: string): boolean {
  return one === other || one.normalize('NFC') === other.normalize('NFC');
}
