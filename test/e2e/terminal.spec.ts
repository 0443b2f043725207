import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { writeRandomFile } from '@enjambre/harness/content';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { Terminal, type TerminalOptions } from '@enjambre/harness/terminal';
import { waitFor } from '@enjambre/harness/wait-for';
import { MIB } from './support/sharing.js';

jest.setTimeout(60_000);

const LONG = 'checkpoint-at-step-100000-with-the-state-of-the-optimizer-and-all-else.safetensors';
const HOST = 'a-machine-with-a-long-host-name.example.internal';
const ESCAPE = '\u001b[';

let swarm: ProcessSwarm;
let alice: SwarmAgent;
let bob: SwarmAgent;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
  [alice, bob] = await Promise.all([
    swarm.startAgent('alice', ['--name', HOST, '--label', 'zone=eu-west-1a', '--label', 'rack=r12']),
    swarm.startAgent('bob', ['--label', 'zone=eu-west-1a']),
  ]);
  const paths = [LONG, 'model.bin'].map((name) => join(swarm.root, name));
  for (const path of paths) await writeRandomFile(path, 2 * MIB);
  expect(await swarm.command(alice, ['share', ...paths])).toMatchObject({ code: 0 });
  expect(await swarm.command(bob, ['get', '-q', LONG])).toMatchObject({ code: 0, stderr: '' });
});

afterAll(() => swarm.stop());

function onTerminal(agent: SwarmAgent, args: readonly string[], options: TerminalOptions = {}): Terminal {
  return new Terminal([...args, '--data-dir', agent.dataDir], { cwd: swarm.root, ...options });
}

describe.each([80, 200])('on a terminal of %d columns', (columns) => {
  test.each([
    ['ls', ['ls']],
    ['files', ['files']],
    ['peers', ['peers']],
    ['peers REF', ['peers', LONG]],
    ['status', ['status', LONG]],
    ['explain', ['explain', LONG]],
    ['limit', ['limit']],
  ])('%s fits, without control characters where NO_COLOR is set', async (_, args) => {
    const terminal = onTerminal(bob, args, { columns, env: { NO_COLOR: '1' } });
    expect(await terminal.wait()).toBe(0);
    expect(terminal.output).not.toContain(ESCAPE);
    const table = terminal.text.split('\n').filter((line) => !line.startsWith('  ') && line !== LONG);
    for (const line of table) expect(line.length).toBeLessThanOrEqual(columns);
    if (columns === 200 && args[0] !== 'limit') expect(terminal.text).not.toContain('…');
  });

  test('doctor breaks its sentences between words', async () => {
    const args = ['doctor', '--tracker', swarm.trackerAddress];
    const terminal = onTerminal(bob, args, { columns, env: { NO_COLOR: '1' } });
    await terminal.wait();
    const lines = terminal.text.trimEnd().split('\n');
    for (const line of lines.filter((each) => each.trim().includes(' ')))
      expect(line.length).toBeLessThanOrEqual(columns);
    expect(terminal.text.replace(/\s+/g, ' ')).toContain(
      'none is configured: transfers work, messages are not sent',
    );
  });
});

test('a list has colours on a terminal only', async () => {
  const terminal = onTerminal(bob, ['ls']);
  expect(await terminal.wait()).toBe(0);
  expect(terminal.output).toContain(`${ESCAPE}32mseeding`);
  expect((await swarm.command(bob, ['ls'])).stdout).not.toContain(ESCAPE);
});

test('ls --watch redraws the list, and ends with 0 at Ctrl-C', async () => {
  const terminal = onTerminal(alice, ['ls', '--watch'], { rows: 10 });
  await waitFor(() => terminal.output.split('NAME').length > 3, {
    what: 'three lists',
    seen: () => terminal.text,
  });
  expect(await terminal.stop()).toBe(0);
  expect(terminal.text).toMatch(/seeding/);
  expect(terminal.output.trimEnd()).not.toContain('enjambre:');
});
