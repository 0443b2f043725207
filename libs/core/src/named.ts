import { sameName } from './names.js';

// How people name things that have an id and a name: the same rules for files and for peers.

const ID_DIGITS = /^[0-9a-f]{8,64}$/i;

/** 8 or more digits of an id, in lower case; undefined for anything else. */
export function idDigits(text: string): string | undefined {
  return ID_DIGITS.test(text) ? text.toLowerCase() : undefined;
}

/** Those whose id begins with `text`, if that is {@link idDigits 8 or more digits}. */
export function withDigits<T>(text: string, candidates: Iterable<T>, idOf: (candidate: T) => string): T[] {
  const digits = idDigits(text);
  if (digits === undefined) return [];
  return [...candidates].filter((candidate) => idOf(candidate).startsWith(digits));
}

/**
 * Those whose name is `text`: just as written, else in another form of its letters, else without the spaces
 * around it.
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
