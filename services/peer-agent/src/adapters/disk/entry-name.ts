/** Replaces bytes that are not UTF-8 when decoding. */
const REPLACEMENT = '\ufffd';

/** The name of a folder entry: arbitrary bytes on Linux. `shown` is for display if the name is not UTF-8. */
export interface EntryName {
  readonly shown: string;
  readonly isUtf8: boolean;
}

/** Decodes a name; if it is not UTF-8, `shown` has `\xff`-style escapes for its non-ASCII bytes. */
export function decodeEntryName(bytes: Buffer): EntryName {
  const text = bytes.toString('utf8');
  if (!text.includes(REPLACEMENT) || Buffer.from(text).equals(bytes)) return { shown: text, isUtf8: true };
  const shown = bytes
    .toString('latin1')
    .replace(/[^ -~]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return { shown, isUtf8: false };
}

/** True if a path may have lost bytes when it was decoded as UTF-8. */
export function isLossy(path: string): boolean {
  return path.includes(REPLACEMENT);
}
