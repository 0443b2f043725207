/** What a decoder puts in the place of bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd';

/** The name of an entry of a folder: on Linux any bytes. `shown` is for people where it is not UTF-8. */
export interface EntryName {
  readonly shown: string;
  readonly isUtf8: boolean;
}

/** The text of a name; of one that is not UTF-8, its bytes, with `\xff` for those that are not ASCII. */
export function decodeEntryName(bytes: Buffer): EntryName {
  const text = bytes.toString('utf8');
  if (!text.includes(REPLACEMENT) || Buffer.from(text).equals(bytes)) return { shown: text, isUtf8: true };
  const shown = bytes
    .toString('latin1')
    .replace(/[^ -~]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return { shown, isUtf8: false };
}

/** True if a path may have lost bytes when it was read as UTF-8. */
export function isLossy(path: string): boolean {
  return path.includes(REPLACEMENT);
}
