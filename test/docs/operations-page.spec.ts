import { readFileSync } from 'node:fs';
import {
  createFileRegistry,
  fromBinary,
  fromJson,
  type DescMethod,
  type JsonValue,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { DESCRIPTOR_SET } from '@enjambre/proto/descriptors';

const PAGE = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(DESCRIPTOR_SET)));
/** Standard services, which are not among our protos. */
const OTHERS = /^grpc\.reflection\./;

interface Command {
  readonly text: string;
  readonly method?: string;
  readonly data?: string;
}

/** The commands of the page, with variables expanded and continued lines joined. */
function commandsOf(page: string): Command[] {
  const blocks = [...page.matchAll(/^```console\n(.*?)^```/gms)].map(([, block = '']) => block);
  const variables = new Map<string, string>();
  return blocks.flatMap((block) =>
    [...block.replaceAll(/\\\n\s*/g, '').matchAll(/^\$ (.*)$/gm)].map(([, line = '']) => {
      for (const [, name = '', value = ''] of line.matchAll(/(?:^|; )(\w+)=([\w./]+)/g))
        variables.set(name, value);
      const text = line.replaceAll(/\$(\w+)/g, (whole, name: string) => variables.get(name) ?? whole);
      const method = /\b((?:enjambre|grpc)\.[\w.]+?)[/.]([A-Z]\w+)(?=\s|$)/.exec(
        text.replace(/-d '.*?'/, ''),
      );
      const data = /-d '([^']*)'/.exec(text)?.[1];
      return {
        text,
        ...(method && { method: `${method[1]}/${method[2]}` }),
        ...(data !== undefined && { data }),
      };
    }),
  );
}

const calls = commandsOf(PAGE).filter(({ text }) => /^(grpcurl|bc) /.test(text));
const called = calls.filter(
  ({ text, method }) => method && !OTHERS.test(method) && !/ (describe|list) /.test(text),
);

function methodNamed(name: string): DescMethod | undefined {
  const [service = '', method] = name.split('/');
  return registry.getService(service)?.methods.find((one) => one.name === method);
}

describe('docs/operations.md', () => {
  it('is parsed correctly: most calls are found', () => {
    expect(called.length).toBeGreaterThan(30);
    expect(calls.filter(({ data, method }) => data !== undefined && !method)).toEqual([]);
  });

  it.each(called)('names an existing method: $method', ({ method = '' }) => {
    expect(methodNamed(method)?.name).toBe(method.split('/')[1]);
  });

  it.each(called.filter(({ data }) => data !== undefined))(
    'passes only fields and values that $method has: $data',
    ({ method = '', data = '' }) => {
      const input = methodNamed(method)?.input;
      // Refuses unknown fields, unknown enum values and wrong types.
      if (input) fromJson(input, JSON.parse(data) as JsonValue, { registry, ignoreUnknownFields: false });
      expect(input).toBeDefined();
    },
  );

  it('has a call of every method of the control API', () => {
    const told = new Set(called.map(({ method }) => method));
    const service = registry.getService('enjambre.agent.v1.AgentService');
    const missing = service?.methods
      .map(({ name }) => name)
      .filter((name) => !told.has(`${service.typeName}/${name}`));
    expect(missing).toEqual([]);
  });
});

describe('the check of docs/operations.md', () => {
  const page = (command: string): string => `\`\`\`console\n$ ${command}\n\`\`\`\n`;

  it('reads the method and the data of a call, over several lines and with variables', () => {
    const [, call] = commandsOf(
      page(`api=enjambre.agent.v1.AgentService; x=1\n$ grpcurl -d '{"a":1}' \\\n    $sock $api/Share`),
    );
    expect(call).toMatchObject({ method: 'enjambre.agent.v1.AgentService/Share', data: '{"a":1}' });
    expect(
      commandsOf(page('bc http://127.0.0.1:1/enjambre.tracker.v1.TrackerService/GetStats')),
    ).toMatchObject([{ method: 'enjambre.tracker.v1.TrackerService/GetStats' }]);
  });

  it('detects an unknown method, field and value', () => {
    expect(methodNamed('enjambre.agent.v1.AgentService/Nothing')).toBeUndefined();
    const input = methodNamed('enjambre.agent.v1.AgentService/SetLimits')!.input;
    const read = (json: object) => () => fromJson(input, json as JsonValue, { registry });
    expect(read({ ref: 'x', change: { max_upload: 1, priority: 'PRIORITY_LOW' } })).not.toThrow();
    expect(read({ change: { max_uplaod: 1 } })).toThrow(/max_uplaod/);
    expect(read({ change: { priority: 'PRIORITY_FOO' } })).toThrow(/PRIORITY_FOO/);
  });
});
