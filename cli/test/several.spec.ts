import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import {
  RemoveTransferResponse,
  TransferState,
  type Transfer,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { FakeAgent, transferOf } from './fake-agent.js';
import { cli, type CliResult } from './harness.js';

let agent: FakeAgent;
let asked: string[];

const named = (name: string, fields: Partial<Transfer> = {}): Transfer =>
  transferOf({ name, infohash: name.repeat(64).slice(0, 64), path: `/data/${name}`, ...fields });

/** Fails for names with a reason as their error. */
function answer(ref: string): Transfer {
  if (ref === 'unknown') throw new EnjambreError('not-found', 'UNKNOWN_REF', 'no transfer matches unknown');
  if (ref === 'stuck') throw new EnjambreError('precondition', 'NOT_NOW', 'stuck is busy');
  return named(ref);
}

beforeEach(async () => {
  asked = [];
  const noting = (ref: string): Transfer => {
    asked.push(ref);
    return answer(ref);
  };
  agent = await FakeAgent.start({
    change: (_, ref) => noting(ref),
    transfer: noting,
    remove: ({ ref }) => RemoveTransferResponse.fromPartial({ transfer: noting(ref) }),
    transfers: () => [
      named('a'),
      named('b', { state: TransferState.PAUSED }),
      named('c', { state: TransferState.FAILED }),
    ],
    download: ({ source }) => ({ transfer: noting(String(source?.value)), alreadyComplete: false }),
    watch: async function* (ref) {
      await Promise.resolve();
      yield named(ref[0] ?? '');
    },
  });
});

afterEach(() => agent.stop());

function on(...args: readonly string[]): Promise<CliResult> {
  return cli([...args, '--agent', agent.address]);
}

describe('a command with several arguments', () => {
  test.each([
    [['pause'], 'a is paused\nb is paused\n'],
    [['rm', '--data'], /^a is removed.*\nb is removed.*\n$/],
    [['verify'], 'a is being checked\nb is being checked\n'],
    [['status'], /^a\n[^]*\nb\n/],
    [['get', '-q'], '/data/a\n/data/b\n'],
    [['get', '--detach', '-q'], /^a is already complete.*\nb is already complete.*\n$/],
  ])('%j applies to each', async (command, output) => {
    const { code, stdout } = await on(...command, 'a', 'b');

    expect(code).toBe(0);
    if (typeof output === 'string') expect(stdout).toBe(output);
    else expect(stdout).toMatch(output);
    expect(asked).toEqual(['a', 'b']);
  });

  test.each([['pause'], ['rm'], ['verify'], ['status'], ['get']])(
    '%s continues after a failure, and exits with the highest code',
    async (command) => {
      const { code, stderr, stdout } = await on(command, 'stuck', 'a', 'unknown', 'b');

      expect({ code, asked }).toEqual({ code: 3, asked: ['stuck', 'a', 'unknown', 'b'] });
      expect(stderr).toMatch(/^enjambre: stuck is busy\n(.*\n)*enjambre: no transfer matches unknown/);
      expect(stdout).toMatch(/a[^]*b/);
    },
  );

  test('reports each failure once with --json, with its argument', async () => {
    const { code, objects } = await on('pause', 'stuck', 'a', '--json');

    expect(code).toBe(1);
    expect(objects()).toMatchObject([
      { type: 'error', reason: 'NOT_NOW', exit_code: 1, argument: 'stuck' },
      { type: 'transfer', name: 'a' },
    ]);
  });

  test('stops at the first when no agent answers', async () => {
    agent.die();
    const { code, stderr } = await on('pause', 'a', 'b');
    expect(code).toBe(4);
    expect(stderr.match(/no agent answers/g)).toHaveLength(1);
  });

  test.each([
    ['share', '--name', 'x'],
    ['share', '--torrent', 'x.torrent'],
    ['get', '--name', 'x'],
  ])('%s refuses %s %s for several', async (...args) => {
    const { code, stderr } = await on(...args, '/a', '/b');
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
    expect(stderr).toMatch(/is for a single (path|REF)/);
  });
});

describe('--all', () => {
  test.each([
    ['pause', 'a'],
    ['resume', 'bc'],
    ['verify', 'abc'],
    ['rm', 'abc'],
  ])('%s applies to the transfers in a fitting state: %s', async (command, names) => {
    agent.script.change = (_, ref) => {
      asked.push(ref);
      return named(ref[0] ?? '');
    };
    agent.script.remove = ({ ref }) => {
      asked.push(ref);
      return RemoveTransferResponse.fromPartial({ transfer: named(ref[0] ?? '') });
    };
    expect((await on(command, '--all')).code).toBe(0);
    expect(asked.map((ref) => ref[0]).join('')).toBe(names);
  });

  test('says so on standard error if there is none', async () => {
    agent.script.transfers = () => [];
    expect(await on('pause', '--all')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'no transfer is in a state for this: see `enjambre ls`\n',
    });
  });

  test.each([['pause'], ['rm']])('%s needs either --all or a name', async (command) => {
    expect(await on(command)).toMatchObject({ code: 2, stderr: expect.stringContaining('missing REF') });
    expect(await on(command, 'a', '--all')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('exclude each other'),
    });
    expect(asked).toEqual([]);
  });
});
