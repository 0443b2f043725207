import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { writeRandomFile } from '@enjambre/harness/content';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { Terminal } from '@enjambre/harness/terminal';
import { waitFor } from '@enjambre/harness/wait-for';

jest.setTimeout(90_000);

const DOWN = '\u001b[B';
const ENTER = '\r';
const ESCAPE = '\u001b';

let swarm: ProcessSwarm;
let alice: SwarmAgent;
let terminal: Terminal;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
  await swarm.startMessaging();
  const bob = await swarm.startAgent('bob');
  alice = await swarm.startAgent('alice');
  const path = join(swarm.root, 'model.bin');
  await writeRandomFile(path, 100_000);
  expect((await swarm.command(bob, ['share', path])).code).toBe(0);
  expect((await swarm.command(alice, ['get', 'model.bin'])).code).toBe(0);
  await waitFor(async () => (await swarm.command(bob, ['send', 'alice', 'it is here'])).code === 0, {
    what: 'a message to be sent',
    everyMs: 200,
  });
});

afterAll(() => swarm.stop());

afterEach(async () => {
  await terminal.stop();
});

/** Types keys, and waits until the screen shows `text` and then the menu. */
async function shows(keys: string, text: string, next = 'What next?'): Promise<void> {
  const before = terminal.text.length;
  terminal.type(keys);
  const since = (): string => terminal.text.slice(before);
  const isShown = (): boolean => {
    const at = since().indexOf(text);
    return at >= 0 && since().indexOf(next, at) >= 0;
  };
  await waitFor(isShown, { what: `"${text}" and "${next}"`, seen: since });
}

const entry = (index: number): string => DOWN.repeat(index) + ENTER;

test('the menu has each command, with the same views, and ends clean', async () => {
  terminal = new Terminal(['shell', '--data-dir', alice.dataDir], { columns: 100, rows: 40 });
  await shows('', 'agent alice');
  await shows(entry(3), 'PUBLISHER');
  await shows(entry(7), 'it is here');
  await shows(entry(10), 'banned no peers');
  await shows(entry(11), 'alice answers at');
  await shows(entry(2), 'Which transfer?', 'model.bin');
  await shows(ENTER, 'What do you want to do?', 'Explain');
  await shows(DOWN + ENTER, 'bob');
  // Names are known: nobody has to read 64 digits.
  expect(terminal.text).not.toMatch(/[0-9a-f]{64}/);
  terminal.type(ESCAPE);
  await waitFor(() => terminal.text.includes('the agent keeps running'), {
    what: 'the end',
    seen: () => terminal.text.slice(-500),
  });
  expect(await terminal.wait()).toBe(0);
});
