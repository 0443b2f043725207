import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import { TwoHosts, whyNoHosts, type Host } from './support/two-hosts.js';

jest.setTimeout(180_000);

const noHosts = whyNoHosts();
const onHosts = noHosts === '' ? describe : describe.skip;
const CONNECTED = /connected to tracker/;

let hosts: TwoHosts | undefined;

afterEach(async () => {
  await hosts?.stop();
  hosts = undefined;
});

async function twoHosts(...how: Parameters<typeof TwoHosts.build>): Promise<TwoHosts> {
  hosts = await TwoHosts.build(...how);
  for (const host of [hosts.first, hosts.second])
    await host.must('export PATH="$PWD/node_modules/.bin:$PATH"');
  return hosts;
}

/** A tracker on the first host, with an agent beside it that shares a file. */
async function shareBesideTracker({ first }: TwoHosts, ...flags: string[]): Promise<Buffer> {
  const content = randomBytes(1 << 20);
  await writeFile(join(first.folder, 'a.bin'), content);
  await first.begin('enjambre tracker --insecure --allow-endpoints dual', /tracker .*listening/);
  await first.begin(['enjambre agent --insecure', ...flags].join(' '), CONNECTED);
  await first.must(`enjambre share ${first.folder}/a.bin`);
  return content;
}

async function get(host: Host): Promise<Buffer> {
  await host.must(`enjambre get a.bin --output ${host.folder}/got --timeout 60`);
  return readFile(join(host.folder, 'got/a.bin'));
}

/** Repeats `doctor` until its output matches. */
async function doctorSays(host: Host, pattern: RegExp): Promise<{ code: number; said: string }> {
  let last = '';
  return waitFor(
    async () => {
      const answer = await host.type('enjambre doctor');
      last = answer.said;
      return pattern.test(last) && answer;
    },
    { what: `doctor on ${host.name} to say ${String(pattern)}`, timeoutMs: 60_000, everyMs: 200 },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; its last output was\n${last}`);
  });
}

onHosts(`an agent on the host of its tracker ${noHosts}`, () => {
  test('serves other hosts, and its own', async () => {
    const both = await twoHosts('IPv4');
    const content = await shareBesideTracker(both);
    await both.second.begin('enjambre agent --insecure --tracker first-machine:7070', CONNECTED);
    expect(content.equals(await get(both.second))).toBe(true);
    const beside = '--name third --data-dir /var/lib/third --listen :7082';
    await both.first.begin(`enjambre agent --insecure ${beside}`, CONNECTED);
    const there = `--output ${both.first.folder}/got --timeout 60 --data-dir /var/lib/third`;
    await both.first.must(`enjambre get a.bin ${there}`);
    expect(await both.second.must('enjambre peers a.bin')).toMatch(/first-machine .*10\.99\.0\.1:7072/);
  });

  test('that listens only on loopback is not offered to other hosts, and its log and doctor report it', async () => {
    const both = await twoHosts('IPv4');
    const { first, second } = both;
    await shareBesideTracker(both, '--listen 127.0.0.1:7072');
    const warning = /no other machine can download from this agent.*--listen/;
    expect(first.log.some((line) => warning.test(line))).toBe(true);
    const { code } = await doctorSays(first, /^warn +endpoint .*no other machine.*--listen.*--advertise/m);
    expect(code).toBe(0);
    await second.begin('enjambre agent --insecure --tracker first-machine:7070', CONNECTED);
    const { code: failed, said } = await second.type(
      `enjambre get a.bin --output ${second.folder} --timeout 3`,
    );
    expect([failed, /127\.0\.0\.1/.test(said)]).toEqual([1, false]);
    // Another agent on the same host downloads from it there.
    await first.begin(
      'enjambre agent --insecure --name third --data-dir /var/lib/third --listen :7082',
      CONNECTED,
    );
    await first.must(
      `enjambre get a.bin --output ${first.folder}/got --timeout 60 --data-dir /var/lib/third`,
    );
  });

  test('that advertises a dead address gets a finding by doctor, and others report where they dialed', async () => {
    const both = await twoHosts('IPv4');
    await shareBesideTracker(both, '--advertise 10.99.0.1:9');
    const { code } = await doctorSays(both.first, /^fail +endpoint .*10\.99\.0\.1:9.*fix --advertise/m);
    expect(code).toBe(1);
    await both.second.begin('enjambre agent --insecure --tracker first-machine:7070', CONNECTED);
    const { code: failed, said } = await both.second.type(
      `enjambre get a.bin --output ${both.second.folder} --timeout 3`,
    );
    expect([failed, said]).toEqual([1, expect.stringMatching(/10\.99\.0\.1:9/)]);
  });
});

onHosts(`trackers on both hosts, on one NATS ${noHosts}`, () => {
  test('connect agents on their own hosts, although both have the same loopback address', async () => {
    const both = await twoHosts('IPv4');
    const { first, second } = both;
    await first.begin(`nats-server -js -sd ${first.folder}/nats 2>&1`, /Server is ready/);
    const content = randomBytes(1 << 20);
    await writeFile(join(first.folder, 'a.bin'), content);
    for (const host of [first, second]) {
      await host.begin('enjambre tracker --insecure --nats nats://first-machine:4222', /tracker .*listening/);
      await host.begin('enjambre agent --insecure', CONNECTED);
    }
    await first.must(`enjambre share ${first.folder}/a.bin`);
    expect(content.equals(await get(second))).toBe(true);
    expect(await second.must('enjambre peers a.bin')).toMatch(/first-machine .*10\.99\.0\.1:7072/);
    const { code } = await doctorSays(second, /^ok +peers .*1 peer/m);
    expect(code).toBe(0);
  });
});

onHosts(`a name with addresses of both families ${noHosts}`, () => {
  test('resolves to the one that works, for trackers, messaging and peers', async () => {
    const both = await twoHosts('IPv4');
    const { first, second } = both;
    // Packets to it are dropped silently.
    await second.must('ip addr add fd99::2/64 dev eth0 nodad');
    await writeFile(both.table, `fd99::dead dual\n10.99.0.1 dual\n`, { flag: 'a' });
    await first.begin('enjambre messaging --insecure', /messaging .*listening/);
    const content = await shareBesideTracker(both, '--advertise dual:7072');
    const began = Date.now();
    const agent = 'enjambre agent --insecure --tracker dual:7070 --messaging dual:7071';
    await second.begin(agent, CONNECTED, /connected to messaging service/);
    expect(content.equals(await get(second))).toBe(true);
    // Dialing in sequence would wait minutes for the dead address; this takes seconds, also on a busy machine.
    expect(Date.now() - began).toBeLessThan(30_000);
  });
});

onHosts(`a link-local address ${noHosts}`, () => {
  test('is accepted with its interface, to listen and to connect', async () => {
    const both = await twoHosts('IPv6');
    const { first, second } = both;
    const address = await waitFor(
      async () =>
        /fe80::[0-9a-f:]+(?=\/)/.exec(
          await first.must('ip -6 -o addr show dev eth0 scope link -tentative'),
        )?.[0],
      { what: 'a link-local address' },
    );
    const tracker = `'[${address}%eth0]:7070'`;
    await first.begin(`enjambre tracker --insecure --listen ${tracker}`, /tracker .*listening/);
    expect(await second.must(`enjambre health ${tracker}`)).toMatch(/SERVING/);
    await first.begin(`enjambre agent --insecure --tracker ${tracker}`, CONNECTED);
    await writeFile(join(first.folder, 'a.bin'), 'a');
    await first.must(`enjambre share ${first.folder}/a.bin`);
    await second.begin(`enjambre agent --insecure --tracker ${tracker}`, CONNECTED);
    expect((await get(second)).toString()).toBe('a');
  });
});

onHosts(`a host without IPv6 ${noHosts}`, () => {
  test('runs all services', async () => {
    const both = await twoHosts('IPv4');
    for (const host of [both.first, both.second])
      await host.must(
        'sysctl -qw net.ipv6.conf.all.disable_ipv6=1 || echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6',
      );
    await both.first.begin('enjambre dev --metrics :9072', CONNECTED);
    await writeFile(join(both.first.folder, 'a.bin'), 'a');
    await both.first.must(`enjambre share ${both.first.folder}/a.bin`);
    const [token = ''] = /enj1\.\S+/.exec(await both.first.must('enjambre ca token')) ?? [];
    await both.second.begin(`enjambre agent --tracker first-machine:7070 --join ${token}`, CONNECTED);
    expect((await get(both.second)).toString()).toBe('a');
  });
});
