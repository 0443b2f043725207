import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { commandsOf } from './support/readme.js';
import { TwoHosts, whyNoHosts, type Family, type Host } from './support/two-hosts.js';

jest.setTimeout(180_000);

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const [BUILD = [], FIRST = [], COPY = [], SECOND = [], SERVICES = []] = commandsOf('Use it');
const noHosts = whyNoHosts();
const onHosts = noHosts === '' ? describe : describe.skip;

let hosts: TwoHosts | undefined;

afterEach(async () => {
  await hosts?.stop();
  hosts = undefined;
});

// `make package`, on the build that is there.
beforeAll(() => {
  execFileSync(join(ROOT, 'tools/package.sh'));
});

/** The block that builds, except for that. */
async function install(host: Host): Promise<void> {
  const [make, ...others] = BUILD;
  expect(make).toBe('make package');
  for (const line of others) await host.must(line);
}

/** Does what scp would do, and goes to the home folder of the second host, as a login does. Returns the join token. */
async function copy(first: Host, second: Host): Promise<string> {
  const [line = '', token = '', ...others] = COPY;
  const [, file] = /^scp (\S+) second-machine:$/.exec(line) ?? [];
  expect([typeof file, others]).toEqual(['string', []]);
  await first.must(`cp ${file} ${second.home}/`);
  await second.must('cd');
  const [said = ''] = /enj1\.\S+/.exec(await first.must(token)) ?? [];
  return said;
}

/** Runs a block line by line, and returns the output of each. Waits for background jobs. */
async function play(host: Host, lines: readonly string[], ...running: readonly RegExp[]): Promise<string[]> {
  const said: string[] = [];
  for (const line of lines) {
    if (line.endsWith('&')) await host.begin(line, ...running);
    else said.push(await host.must(line));
  }
  return said;
}

const CONNECTED = [/connected to tracker/, /connected to messaging service/];

onHosts.each<Family>(['IPv4', 'IPv6'])(`the commands of the README, over %s ${noHosts}`, (family) => {
  test('moves a file and a message between two machines', async () => {
    hosts = await TwoHosts.build(family);
    const { first, second } = hosts;
    const content = randomBytes(8 << 20);
    await mkdir(join(first.home, 'models'));
    await writeFile(join(first.home, 'models/llama.bin'), content);
    await install(first);

    const [shared = '', files = ''] = await play(first, FIRST, ...CONNECTED);
    expect(shared).toMatch(/magnet:\?xt=urn:btmh:1220/);
    expect(files).toMatch(/llama\.bin/);

    const token = await copy(first, second);
    expect(SECOND.filter((line) => line.includes('TOKEN'))).toHaveLength(1);
    const lines = SECOND.map((line) => line.replace('TOKEN', token));
    const got = await play(second, lines, ...CONNECTED);
    expect(got.join('\n')).toMatch(/llama\.bin/);
    expect(content.equals(await readFile(join(second.folder, 'srv/models/llama.bin')))).toBe(true);
    expect(await first.must('enjambre inbox')).toMatch(/second-machine.*it is here/s);

    for (const host of [first, second]) expect(await host.must('enjambre doctor')).toMatch(/^ok +endpoint/m);
  });

  test('starts services that find each other', async () => {
    hosts = await TwoHosts.build(family, 'nats.internal', 'tracker.internal');
    const { first, second } = hosts;
    await install(first);
    await install(second);
    const anywhere = family === 'IPv4' ? '0.0.0.0' : '::';
    await first.begin(`nats-server -js -sd ${first.folder}/nats -a ${anywhere} 2>&1`, /Server is ready/);
    const [ca = '', tracker = '', forMessaging = '', messaging = '', forAgents = '', agent = '', ...others] =
      SERVICES;
    expect(others).toEqual([]);
    const token = async (line: string): Promise<string> =>
      /enj1\.\S+/.exec(await first.must(line))?.[0] ?? 'no token';
    await first.must(ca);
    await first.begin(tracker, /tracker .*listening/);
    await first.begin(messaging.replace('TOKEN', await token(forMessaging)), /messaging .*listening/);
    await second.begin(agent.replace('TOKEN', await token(forAgents)), ...CONNECTED);
    await writeFile(join(second.folder, 'a.bin'), 'a');
    await second.must(`enjambre share ${second.folder}/a.bin`);
    expect(await second.must('enjambre files')).toMatch(/a\.bin/);
    expect(await second.must('enjambre doctor')).toMatch(/^ok +messaging/m);
  });
});
