import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { writeRandomFile } from '@enjambre/harness/content';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { Terminal } from '@enjambre/harness/terminal';
import { waitFor } from '@enjambre/harness/wait-for';
import { lastLine } from './support/outcome.js';

jest.setTimeout(60_000);

const LEAVE = '\u001b[?25h\u001b[?1049l';

let swarm: ProcessSwarm;
let alice: SwarmAgent;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
  alice = await swarm.startAgent('alice');
  await swarm.startAgent('bob');
  for (const name of ['one.bin', 'two.bin']) {
    const path = join(swarm.root, name);
    await writeRandomFile(path, 100_000);
    expect((await swarm.command(alice, ['share', path])).code).toBe(0);
  }
});

afterAll(() => swarm.stop());

let terminals: Terminal[] = [];

afterEach(async () => {
  await Promise.all(terminals.map((terminal) => terminal.stop()));
  terminals = [];
});

function opened(options: ConstructorParameters<typeof Terminal>[1] = {}): Terminal {
  const terminal = new Terminal(['top', '--data-dir', alice.dataDir], options);
  terminals.push(terminal);
  return terminal;
}

/** Types keys, and waits for what they show. */
async function shows(terminal: Terminal, keys: string, text: string): Promise<void> {
  const before = terminal.text.length;
  terminal.type(keys);
  const since = (): string => terminal.text.slice(before);
  await waitFor(() => since().includes(text), {
    what: `"${text}" after ${JSON.stringify(keys)}`,
    seen: since,
  });
}

describe('enjambre top', () => {
  test('shows transfers, peers and the network, filters, sorts and acts by keys, and ends clean', async () => {
    const terminal = opened();
    await shows(terminal, '', '> one.bin');
    await shows(terminal, '2', 'ENDPOINT');
    await shows(terminal, '', 'bob');
    await shows(terminal, '3', 'PUBLISHER');
    await shows(terminal, '/two\r', 'filter "two"');
    await shows(terminal, '\r', 'publisher  alice');
    await shows(terminal, '1', '> one.bin');
    await shows(terminal, 's', 'sorted by name');
    await shows(terminal, 'p', 'one.bin: paused');
    await shows(terminal, 'p', 'one.bin: resumed');
    await shows(terminal, 'd', 'remove one.bin? y or n');
    await shows(terminal, 'n', '> one.bin');
    await shows(terminal, 'd', 'remove one.bin? y or n');
    await shows(terminal, 'y', 'one.bin: removed');
    await shows(terminal, '', '> two.bin');
    terminal.type('q');
    expect(await terminal.wait()).toBe(0);
    expect(terminal.output.endsWith(LEAVE)).toBe(true);
  });

  test.each([
    ['80 columns, without colours', { columns: 80, rows: 24, env: { NO_COLOR: '1' } }],
    ['200 columns', { columns: 200, rows: 50 }],
  ])('fits %s', async (_, options) => {
    const terminal = opened(options);
    await shows(terminal, '', 'two.bin');
    const [, frame = ''] = terminal.text.split('enjambre top:');
    expect(frame.split('\n')).toHaveLength(options.rows);
    if ('env' in options) expect(terminal.output).not.toMatch(/\u001b\[\d+m/);
    terminal.type('\u0003');
    expect(await terminal.wait()).toBe(0);
    expect(terminal.output.endsWith(LEAVE)).toBe(true);
  });

  test('restores the terminal when it is terminated', async () => {
    const terminal = opened();
    await shows(terminal, '', 'two.bin');
    terminal.signalInside('SIGTERM');
    expect(await terminal.wait()).not.toBe(0);
    expect(terminal.output).toContain(LEAVE);
  });

  test('prints everything once, also as JSON; a pipe is told how', async () => {
    const once = await swarm.command(alice, ['top', '--once']);
    expect(once).toMatchObject({ code: 0, stderr: '' });
    for (const title of ['transfers', 'peers', 'network', 'two.bin', 'bob'])
      expect(once.stdout).toContain(title);
    const { transfers, peers, files } = lastLine(await swarm.command(alice, ['top', '--once', '--json']));
    expect(transfers).toContainEqual(expect.objectContaining({ name: 'two.bin', state: 'seeding' }));
    expect(peers).toHaveLength(2);
    expect(files).toContainEqual(expect.objectContaining({ name: 'two.bin' }));
    const piped = await swarm.command(alice, ['top']);
    expect([piped.code, piped.stderr]).toEqual([2, expect.stringMatching(/top --once/)]);
  });
});
