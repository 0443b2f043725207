import { plainJson } from './text.js';

export type JsonValue =
  | string
  | number
  | bigint
  | boolean
  | undefined
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** One line of `--json` output; `type` identifies its kind. Fields are named as in docs/vocabulary.md. */
export type JsonObject = { readonly type: string } & Readonly<Record<string, JsonValue>>;

/** One line with its newline. Bigints become numbers; undefined fields and empty texts, except of labels, are left out. */
export function toJsonLine(value: JsonObject): string {
  const labels = new Set<unknown>();
  const json = JSON.stringify(value, function (this: unknown, key, field: unknown) {
    if (key === 'labels') labels.add(field);
    if (typeof field === 'bigint') return Number(field);
    return field === '' && !labels.has(this) ? undefined : field;
  });
  return `${plainJson(json)}\n`;
}

/** Undefined for a number or map that stands for "unknown" or "none". */
export function ifAny<T extends number | bigint | object>(value: T): T | undefined {
  if (typeof value === 'object') return Object.keys(value).length > 0 ? value : undefined;
  return Number(value) === 0 ? undefined : value;
}
