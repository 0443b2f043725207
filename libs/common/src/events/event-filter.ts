import { EnjambreError } from '@enjambre/core/error';

const MAX_PATTERNS = 32;
const MAX_PATTERN_CHARS = 64;

/**
 * A test for event types. `*` in a pattern matches any sequence of characters; without patterns every type
 * matches. Throws `invalid` BAD_EVENT_FILTER for more than 32 patterns, or a pattern of more than 64
 * characters.
 */
export function eventFilter(patterns: readonly string[]): (type: string) => boolean {
  if (patterns.length > MAX_PATTERNS || patterns.some((pattern) => pattern.length > MAX_PATTERN_CHARS)) {
    const message = `a filter has at most ${MAX_PATTERNS} types of ${MAX_PATTERN_CHARS} characters each`;
    throw new EnjambreError('invalid', 'BAD_EVENT_FILTER', message);
  }
  if (patterns.length === 0) return () => true;
  const globs = patterns.map((pattern) => pattern.split('*'));
  return (type) => globs.some((parts) => matches(parts, type));
}

/**
 * Linear, unlike a regular expression with many `.*`: finds each part between stars at its earliest position.
 */
function matches(parts: readonly string[], text: string): boolean {
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let position = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return text.length - last.length >= position && text.endsWith(last);
}
