import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { parse } from 'yaml';

export const ASYNCAPI_FILE = new URL('../../../docs/asyncapi.yaml', import.meta.url);

type Json = Readonly<Record<string, unknown>>;

interface AsyncApiDocument {
  readonly channels: Readonly<
    Record<string, { readonly address: string; readonly messages: Readonly<Record<string, Ref>> }>
  >;
  readonly components: {
    readonly messages: Readonly<Record<string, { readonly payload: Ref }>>;
    readonly schemas: Json;
  };
}

interface Ref {
  readonly $ref: string;
}

/**
 * The event schemas of docs/asyncapi.yaml, with one stricter rule: an unknown property is an error here,
 * while readers of events must ignore it.
 */
export class EventSchemas {
  readonly #validators: ReadonlyMap<string, ValidateFunction>;

  constructor() {
    const document = parse(readFileSync(ASYNCAPI_FILE, 'utf8')) as AsyncApiDocument;
    const ajv = formats.default(new Ajv({ allErrors: true, strict: false }));
    const schemas = closed(document.components.schemas) as Json;
    ajv.addSchema({ $id: 'asyncapi', components: { schemas } });
    const entries = Object.values(document.channels).map(({ address, messages }) => {
      const [message] = Object.values(messages);
      const name = message?.$ref.split('/').at(-1) ?? '';
      const payload = document.components.messages[name]?.payload.$ref ?? '';
      return [address, ajv.compile({ $ref: `asyncapi${payload}` })] as const;
    });
    this.#validators = new Map(entries);
  }

  /** The addresses of all channels. */
  get subjects(): string[] {
    return [...this.#validators.keys()];
  }

  /** The schema errors in the JSON of an event found on `subject`; empty if valid. */
  problemsOf(subject: string, json: unknown): string[] {
    const validate = this.#validators.get(subject);
    if (!validate) return [`there is no channel ${subject}`];
    validate(json);
    return (validate.errors ?? []).map(
      (error) => `${error.instancePath} ${error.message ?? ''} ${JSON.stringify(error.params)}`,
    );
  }
}

/** Disallows unknown properties in every object schema that has a type. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const entries = Object.entries(schema).map(([key, part]) => [key, closed(part)]);
  const made = Object.fromEntries(entries) as Json;
  return made['type'] === 'object' && made['properties'] ? { ...made, additionalProperties: false } : made;
}
