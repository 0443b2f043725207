const MAX_SHOWN = 64;

/**
 * `text` in double quotes for an error message: truncated after 64 characters, with all characters escaped
 * that could control a terminal or reorder a line (controls, bidi marks, line separators).
 */
export function quote(text: string): string {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return escapeHidden(JSON.stringify(shown));
}

/** The whole `text`, with all characters escaped that could control a terminal or reorder a line. */
export function escapeHidden(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
