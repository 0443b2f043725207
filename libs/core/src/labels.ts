/** Labels that an agent announces, such as zone=eu-1. */
export type Labels = Readonly<Record<string, string>>;

export const MAX_LABELS = 16;
export const MAX_LABEL_KEY_CHARS = 63;
export const MAX_LABEL_VALUE_CHARS = 255;

/** The fault in labels of another process; undefined if they are valid. */
export function labelsFault(labels: Labels): string | undefined {
  const pairs = Object.entries(labels);
  if (pairs.length > MAX_LABELS) return `there are more than ${MAX_LABELS} labels`;
  for (const [key, value] of pairs) {
    if (key !== '' && key.length <= MAX_LABEL_KEY_CHARS && value.length <= MAX_LABEL_VALUE_CHARS) continue;
    return `a label's key has 1 to ${MAX_LABEL_KEY_CHARS} characters and its value up to ${MAX_LABEL_VALUE_CHARS}`;
  }
  return undefined;
}
