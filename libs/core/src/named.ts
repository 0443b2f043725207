import { sameName } from './names.js';

// How people name things that have an id and a name: the same rules for files and for peers.

const ID_DIGITS = /^[0-9a-f]{8,64}$/i;

/** At least 8 digits of an id, in lower case; undefined for anything else. */
export function idDigits(text: string): string | undefined {
  return ID_DIGITS.test(text) ? text.toLowerCase() : undefined;
}

/** Candidates whose id begins with `text`, if that has {@link idDigits at least 8 digits}. */
export function withDigits<T>(text: string, candidates: Iterable<T>, idOf: (candidate: T) => string): T[] {
  const digits = idDigits(text);
  if (digits === undefined) return [];
  return [...candidates].filter((candidate) => idOf(candidate).startsWith(digits));
}

/**
 * Candidates whose name is `text`: an exact match, otherwise one in another Unicode normalization, otherwise
 * one without surrounding spaces.
 */
export function withName<T extends { readonly name: string }>(
  text: string,
  candidates: readonly T[],
): readonly T[] {
  const exact = candidates.filter(({ name }) => name === text);
  if (exact.length > 0) return exact;
  const alike = candidates.filter(({ name }) => sameName(name, text));
  const bare = text.trim();
  return alike.length > 0 || bare === text ? alike : withName(bare, candidates);
}

/** Candidates whose name looks like `text`: for names that strangers chose, where an exact match proves nothing. */
export function looksLike<T extends { readonly name: string }>(
  text: string,
  candidates: readonly T[],
): readonly T[] {
  return candidates.filter(({ name }) => sameName(name.trim(), text.trim()));
}
