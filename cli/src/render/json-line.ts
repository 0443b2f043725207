import { plainJson } from './text.js';

export type JsonValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** One line of `--json` output; `type` identifies its kind. */
export type JsonObject = { readonly type: string } & Readonly<Record<string, JsonValue>>;

/** One line with its newline; bigints become numbers, undefined fields are left out. */
export function toJsonLine(value: JsonObject): string {
  const json = JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'bigint' ? Number(field) : field,
  );
  return `${plainJson(json)}\n`;
}
