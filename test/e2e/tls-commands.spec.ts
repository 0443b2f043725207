import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parseTcpAddress } from '@enjambre/common/config/address';
import { ProcessSwarm } from '@enjambre/harness/swarm';
import { bufBinary } from './support/buf-curl.js';

jest.setTimeout(90_000);

const PAGE = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
const SECTION = /^### Certificates from files$.*?(?=^##)/ms.exec(PAGE)?.[0] ?? '';
/** The commands of the section, each as its words. */
const COMMANDS = [...SECTION.matchAll(/^```sh\n(.*?)^```/gms)]
  .flatMap(([, block = '']) => [...block.replaceAll(/\\\n\s*/g, '').matchAll(/^\$ (.*)$/gm)])
  .map(([, line = '']) =>
    line
      .replace(/\s+#.*$/, '')
      .split(/\s+/)
      .map((word) => word.replaceAll("'", '')),
  );

let swarm: ProcessSwarm;
/** A user without a configuration. */
let home: Record<string, string>;

/** Commands that begin with these words, with the address of the real tracker. */
function commandsOf(...start: string[]): string[][] {
  const found = COMMANDS.filter((words) => start.every((word, index) => words[index] === word));
  expect(found.length).toBeGreaterThan(0);
  return found.map((words) =>
    words.map((word) => word.replace(/tracker\.example(:7070)?/, swarm.trackerAddress)),
  );
}

const optionOf = (words: readonly string[], name: string): string => words[words.indexOf(name) + 1] ?? '';

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  home = { XDG_CONFIG_HOME: join(swarm.root, 'config'), HOME: swarm.root };
  expect(await swarm.enjambre(['ca', 'init', '--network', 'prod'], { env: home })).toMatchObject({ code: 0 });
  for (const [, ...args] of commandsOf('enjambre', 'ca', 'issue'))
    expect(await swarm.enjambre(args, { env: home })).toMatchObject({ code: 0 });
  await swarm.startTracker(['--tls', 'tls/tracker']);
});

afterAll(() => swarm.stop());

test('buf curl calls a tracker with TLS as docs/operations.md says', async () => {
  const [[, ...args] = []] = commandsOf('buf', 'curl');
  const called = swarm.spawn(bufBinary(), args, { cwd: swarm.root });
  expect({ code: await called.wait(), stderr: called.stderr }).toEqual({ code: 0, stderr: [] });
  expect(JSON.parse(called.stdout.join('\n'))).toMatchObject({ trackerCount: 1 });
});

/** grpcurl is not a package of Debian: this checks what it checks, the chain and the name of the server. */
test('grpcurl can verify a tracker with the flags that docs/operations.md names', async () => {
  const [words = []] = commandsOf('grpcurl');
  const file = (name: string): Promise<string> => readFile(join(swarm.root, optionOf(words, name)), 'utf8');
  const [ca, cert, key] = await Promise.all([file('-cacert'), file('-cert'), file('-key')]);
  const servername = optionOf(words, '-authority');
  const { host, port } = parseTcpAddress(swarm.trackerAddress);
  const socket = connect({ host, port, ca, cert, key, servername, ALPNProtocols: ['h2'] });
  await once(socket, 'secureConnect');
  expect({ authorized: socket.authorized, protocol: socket.alpnProtocol }).toEqual({
    authorized: true,
    protocol: 'h2',
  });
  expect(words).toContain(swarm.trackerAddress);
  socket.destroy();
});

test('enjambre lists files with a certificate, and with a context that keeps it', async () => {
  for (const [, ...args] of [...commandsOf('enjambre', 'files'), ...commandsOf('enjambre', 'config')])
    expect(await swarm.enjambre(args, { env: home })).toMatchObject({ code: 0 });
  const listed = await swarm.enjambre(['files', '--context', 'prod', '--json'], { env: home });
  expect(listed).toMatchObject({ code: 0, stderr: '' });
});
