import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { readConfigFile } from './config-file.js';
import { defaultConfigPath } from './default-config-path.js';

const table = {
  dataDir: { placeholder: 'DIR', description: '', schema: z.string() },
  label: { placeholder: 'K=V', description: '', schema: z.array(z.string()), repeatable: true },
};

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enjambre-config-'));
  path = join(folder, 'config.yaml');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(yaml: string) {
  await writeFile(path, yaml);
  const file = await readConfigFile(path);
  if (!file) throw new Error('no file');
  return file;
}

describe('a configuration file', () => {
  it('has the settings of each service, and contexts', async () => {
    const file = await read(`
agent:
  data-dir: /data
  label: [a=1, 2]
tracker: {}
contexts:
  lab: { agent: "lab:7073", tracker: tracker.lab }
current-context: lab
`);
    expect(file.section('agent', table)).toEqual({
      source: `${path}: agent`,
      values: { dataDir: '/data', label: ['a=1', '2'] },
    });
    expect(file.section('tracker', table).values).toEqual({});
    expect([...file.contexts]).toEqual([['lab', { agent: 'lab:7073', tracker: 'tracker.lab' }]]);
    expect(file.currentContext).toBe('lab');
  });

  it('may be empty, or not exist', async () => {
    expect((await read('')).section('agent', table).values).toEqual({});
    expect((await read('# nothing yet\n')).contexts.size).toBe(0);
    await expect(readConfigFile(join(folder, 'none'))).resolves.toBeUndefined();
  });

  it.each([
    ['no YAML', 'agent: [1', 'Flow sequence'],
    ['a list', '- 1', 'the file: must be a list of "key: value" lines'],
    [
      'an unknown part',
      'agents: {}',
      '"agents" is not a setting: it has tracker, messaging, agent, contexts',
    ],
    ['an unknown setting', 'agent: { data: /x }', 'agent: "data" is not a setting: it has data-dir, label'],
    ['a list for one value', 'agent: { data-dir: [a, b] }', 'agent.data-dir: must be a text or a number'],
    ['a mapping for a value', 'agent: { label: { a: 1 } }', 'agent.label: must be a text or a number'],
    ['an unknown key of a context', 'contexts: { lab: { host: x } }', '"host" is not a setting'],
    ['a current context that is no name', 'current-context: [a]', 'must be the name of a context'],
    ['an alias', 'agent: &a { data-dir: /x }\ntracker: *a', 'Alias'],
  ])('with %s is refused, naming file and line', async (_, yaml, fault) => {
    const refused = read(yaml).then((file) => file.section('agent', table));
    await expect(refused).rejects.toMatchObject({ code: 'invalid', reason: 'BAD_CONFIG' });
    await expect(refused).rejects.toThrow(fault);
    await expect(refused).rejects.toThrow(path);
  });

  it('is read or refused, whatever it holds', async () => {
    const yaml = fc.oneof(
      fc.string(),
      fc.json(),
      fc.string({ unit: fc.constantFrom('-', ':', ' ', '\n', 'a', '[', '&', '*', '!') }),
    );
    await fc.assert(
      fc.asyncProperty(yaml, async (text) => {
        await writeFile(path, text);
        const outcome = await readConfigFile(path).then(
          (file) => file?.contexts.size,
          (error: unknown) => error,
        );
        if (typeof outcome !== 'number') expect(outcome).toMatchObject({ reason: 'BAD_CONFIG' });
      }),
      { numRuns: 200 },
    );
  });

  it('is the one of the user by default', () => {
    expect(defaultConfigPath({ HOME: '/home/u' })).toBe('/home/u/.config/enjambre/config.yaml');
    expect(defaultConfigPath({ HOME: '/home/u', XDG_CONFIG_HOME: '/x' })).toBe('/x/enjambre/config.yaml');
    expect(defaultConfigPath({ HOME: '/home/u', XDG_CONFIG_HOME: 'x' })).toBe(
      '/home/u/.config/enjambre/config.yaml',
    );
  });
});
