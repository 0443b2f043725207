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

/** What a line says; `type` tells one kind of line from another. */
export type JsonObject = { readonly type: string } & Readonly<Record<string, JsonValue>>;

/** One line, its newline included; bigints become numbers and absent fields are left out. */
export function toJsonLine(value: JsonObject): string {
  const json = JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'bigint' ? Number(field) : field,
  );
  return `${plainJson(json)}\n`;
}
