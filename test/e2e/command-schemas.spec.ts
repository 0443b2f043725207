import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { KIB, shareFile, untilStatus, type SharedFile } from './support/sharing.js';

jest.setTimeout(120_000);

/** Commands that print no results: services in the foreground, and a menu. */
const WITHOUT_RESULTS = ['dev', 'tracker', 'messaging', 'agent', 'shell'];
const SCHEMA = JSON.parse(
  readFileSync(new URL('../../docs/schemas/commands.json', import.meta.url), 'utf8'),
) as { readonly $id: string; readonly $defs: Readonly<Record<string, unknown>> };

/** The schema with one stricter rule: an unknown field is an error here, while readers must ignore it. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const made = Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, closed(part)]));
  return 'properties' in made && made['type'] === 'object' ? { ...made, additionalProperties: false } : made;
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
const ajv = new Ajv2020({
  allErrors: true,
  strict: true,
  strictRequired: false,
  formats: { 'date-time': RFC_3339 },
});
ajv.addSchema(closed(SCHEMA) as object);

let swarm: ProcessSwarm;
let alice: SwarmAgent;
let bob: SwarmAgent;
let file: SharedFile;
/** Types of the lines that were seen. */
const seen = new Set<string>();

/** Runs a command with --json; each of its lines must be as described. Returns the types of its lines. */
async function described(agent: SwarmAgent | undefined, args: readonly string[]): Promise<string[]> {
  const words = [...args, '--json'];
  const { json, stdout, stderr } = await (agent ? swarm.command(agent, words) : swarm.enjambre(words));
  expect(json).toHaveLength(stdout === '' ? 0 : stdout.split('\n').length);
  const [command = ''] = args;
  const validate = ajv.getSchema(`${SCHEMA.$id}#/$defs/command_${command}`);
  if (!validate) throw new Error(`there is no schema of ${command}`);
  for (const line of json) {
    const isValid = validate(line);
    expect({ line: isValid || line, errors: validate.errors ?? [], stderr }).toEqual({
      line: true,
      errors: [],
      stderr,
    });
    seen.add(String(line['type']).replace(/^enjambre\..*/, 'event'));
  }
  return json.map(({ type }) => String(type));
}

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
  await swarm.startMessaging();
  [alice, bob] = await Promise.all([
    swarm.startAgent('alice', ['--label', 'zone=eu-1', '--max-upload', '50MB']),
    swarm.startAgent('bob', ['--label', 'zone=eu-2']),
  ]);
  file = await shareFile(swarm, [alice], { name: 'model.bin', bytes: 300 * KIB });
});

afterAll(() => swarm.stop());

describe('docs/schemas/commands.json', () => {
  test('is a schema of draft 2020-12, and describes every command with results', async () => {
    expect(ajv.validateSchema(SCHEMA)).toBe(true);
    const { stdout } = await swarm.enjambre(['--help']);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+)(?= |$)/gm)].map(([, name = '']) => name);
    expect(commands).toEqual(expect.arrayContaining(['dev', 'share', 'doctor']));
    const expected = commands
      .filter((name) => !WITHOUT_RESULTS.includes(name))
      .map((name) => `command_${name}`);
    const names = Object.keys(SCHEMA.$defs).filter((name) => name.startsWith('command_'));
    expect(names.sort()).toEqual(expected.sort());
  });

  test('describes sharing and downloading', async () => {
    const folder = join(swarm.root, 'tree');
    await mkdir(join(folder, 'empty'), { recursive: true });
    await writeFile(join(folder, 'a'), 'a');
    await writeFile(join(folder, 'back\\slash'), 'b');
    const torrent = join(swarm.root, 'tree.torrent');
    const share = ['share', folder, '--skip-unsupported', '--torrent', torrent];
    expect(await described(alice, share)).toContain('shared');
    expect(await described(undefined, ['inspect', torrent])).toEqual(['torrent', 'entry']);
    expect((await described(bob, ['get', file.infohash])).at(-1)).toBe('done');
    expect(await described(bob, ['get', 'tree', '--show-files'])).toEqual(['content', 'entry']);
    const part = ['get', 'tree', '--select', 'a', '--show-files'];
    expect(await described(bob, part)).toEqual(['content', 'entry']);
    expect(await described(bob, ['get', 'tree', '--detach'])).toEqual(['transfer']);
    await untilStatus(swarm, bob, { ref: 'tree', is: ({ state }) => state === 'seeding', what: 'the tree' });
  });

  test('describes the transfers of an agent', async () => {
    for (const args of [
      ['ls'],
      ['status', 'model.bin'],
      ['explain', 'model.bin'],
      ['limit'],
      ['top', '--once'],
    ])
      expect(await described(bob, args)).not.toEqual([]);
    const limit = ['limit', 'model.bin', '--max-upload', '1MB', '--priority', 'low'];
    expect(await described(bob, limit)).toEqual(['transfer']);
    expect((await described(bob, ['verify', 'model.bin', '--wait'])).at(-1)).toBe('verified');
    for (const command of ['verify', 'pause', 'resume'])
      expect(await described(bob, [command, 'model.bin'])).toEqual(['transfer']);
    expect(await described(bob, ['rm', 'tree', '--data'])).toEqual(['removed']);
  });

  test('describes the network', async () => {
    for (const args of [['files'], ['peers'], ['peers', 'model.bin'], ['events'], ['doctor']])
      expect(await described(bob, args)).not.toEqual([]);
    expect(await described(undefined, ['health', swarm.trackerAddress])).toEqual(['health']);
    const ofTracker = ['peers', '--tracker', swarm.trackerAddress];
    expect(await described(undefined, ofTracker)).toEqual(['peer', 'peer']);
  });

  test('describes a CA and its certificates', async () => {
    const ca = ['--ca', join(swarm.root, 'ca')];
    expect(await described(undefined, ['ca', 'init', ...ca])).toEqual(['ca']);
    const issue = ['ca', 'issue', ...ca, '--out', join(swarm.root, 'tls'), '--name', 'web-*'];
    expect(await described(undefined, issue)).toEqual(['certificate']);
    expect(await described(undefined, ['ca', 'token', ...ca])).toEqual(['join_token']);
    expect(await described(undefined, ['ca', 'revoke', 'web-*', ...ca])).toEqual(['revocation']);
    expect(await described(undefined, ['ca', 'ls', ...ca])).toEqual(['issued_certificate']);
    const intermediate = ['ca', 'intermediate', ...ca, '--out', join(swarm.root, 'online')];
    expect(await described(undefined, intermediate)).toEqual(['ca']);
    expect(await described(undefined, ['ca', 'rotate', ...ca])).toEqual(['rotation']);
  });

  test('describes messages and rooms', async () => {
    expect(await described(alice, ['rooms', 'join', 'ops'])).toEqual(['joined']);
    expect(await described(bob, ['rooms', 'join', 'ops'])).toEqual(['joined']);
    for (const to of [['bob'], ['--room', 'ops'], ['--all']])
      expect(await described(alice, ['send', ...to, 'hello'])).toEqual(['sent']);
    await waitFor(async () => (await swarm.command(bob, ['history', '--json'])).json.length === 3, {
      what: 'the messages',
      everyMs: 200,
    });
    for (const command of ['history', 'inbox', 'rooms'])
      expect(await described(bob, [command])).not.toEqual([]);
    expect(await described(bob, ['rooms', 'leave', 'ops'])).toEqual(['left']);
  });

  test('describes the command itself', async () => {
    const config = ['--config', join(swarm.root, 'config.yaml')];
    const actions = [['view'], ['set-context', 'lab', '--agent', 'unix:/x'], ['use-context', 'lab']];
    for (const action of [
      ...actions,
      ['get-contexts'],
      ['current-context'],
      ['view'],
      ['delete-context', 'lab'],
    ])
      expect(await described(undefined, ['config', ...action, ...config])).toHaveLength(1);
    expect(await described(undefined, ['version'])).toEqual(['version']);
    expect(await described(undefined, ['completion', 'bash'])).toEqual(['completion']);
  });

  test('describes errors', async () => {
    const nobody = ['--agent', '127.0.0.1:1'];
    for (const args of [
      ['get', 'nothing-of-this-name'],
      ['status', 'unknown'],
      ['share', '/dev/null/x'],
      ['unban', 'mallory'],
    ])
      expect(await described(bob, args)).toEqual(['error']);
    expect(await described(undefined, ['ls', ...nobody])).toEqual(['error']);
    expect(await described(undefined, ['get'])).toEqual(['error']);
    expect(await described(bob, ['explain', 'model.bin', 'unknown'])).toEqual(['explanation', 'error']);
    expect((await described(undefined, ['doctor', ...nobody])).at(-1)).toBe('error');
  });

  test('has no type of line that was not seen, except bans', () => {
    const types = Object.keys(SCHEMA.$defs).flatMap((name) => /^line_(.*)/.exec(name)?.[1] ?? []);
    expect(types.filter((type) => !seen.has(type))).toEqual(['ban']);
  });

  test('is the vocabulary of the logs, too: times are RFC 3339', () => {
    const lines = [...swarm.tracker.stdout, ...alice.process.stdout].map(
      (line) => JSON.parse(line) as Record<string, unknown>,
    );
    expect(lines.length).toBeGreaterThan(3);
    for (const { time } of lines) expect(time).toMatch(RFC_3339);
  });
});
