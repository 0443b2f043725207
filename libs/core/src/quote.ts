const MAX_SHOWN = 64;

/**
 * `text` in double quotes for an error message: cut after 64 characters, and with everything
 * that could act on a terminal or reorder a line (controls, bidi marks, line separators) escaped.
 */
export function quote(text: string): string {
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return escapeHidden(JSON.stringify(shown));
}

/** `text`, whole, with everything in it that could act on a terminal or reorder a line escaped. */
export function escapeHidden(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
