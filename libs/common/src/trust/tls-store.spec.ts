import { mkdtemp, rm, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DAY_MS, TestNetwork, type Holder, type Member } from '@enjambre/harness/trust';
import { VirtualClock } from '@enjambre/harness/virtual-clock';
import { PeerIdentity } from '../identity/identity.js';
import { TlsStore, tlsPathsIn, type TlsPaths } from './tls-store.js';
import { TlsWatch } from './tls-watch.js';

let network: TestNetwork;
let folder: string;
let paths: TlsPaths;
const peer = PeerIdentity.generate();

beforeAll(async () => {
  network = await TestNetwork.create('prod');
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enjambre-tls-'));
  paths = tlsPathsIn(folder);
});

afterEach(() => rm(folder, { recursive: true }));

async function put({ ca, cert, key }: Member): Promise<void> {
  await writeFile(paths.ca, ca);
  await writeFile(paths.cert, cert);
  await writeFile(paths.key, key, { mode: 0o600 });
}

const member = (holder: Holder = {}): Promise<Member> => network.member({ peer, ...holder });

describe('certificate files', () => {
  test('say who the program is', async () => {
    await put(await member({ names: ['web-*', 'ünï, "quoted"'] }));
    const { identity, notAfter } = (await TlsStore.open(paths)).current;
    expect(identity).toEqual({
      network: 'prod',
      role: 'agent',
      peerId: peer.peerId,
      names: ['web-*', 'ünï, "quoted"'],
    });
    expect(notAfter.getTime()).toBeGreaterThan(Date.now());
  });

  test.each<[string, () => Promise<void>, string | RegExp]>([
    ['a missing key', async () => rm(paths.key), /^cannot read .*tls\.key: no such file or directory$/],
    [
      'a key that others can read',
      async () => chmod(paths.key, 0o644),
      /^every user of this machine can read the private key in .*: run "chmod o-rwx/,
    ],
    ['no key', async () => writeFile(paths.key, 'nothing'), 'holds no private key that can be read'],
    [
      'the key of another',
      async () => writeFile(paths.key, PeerIdentity.generate().toPem()),
      'does not belong to the certificate',
    ],
    [
      'no certificate',
      async () => writeFile(paths.cert, '\n'),
      'holds no certificate: name a file with certificates in PEM',
    ],
    [
      'half a certificate',
      async () => writeFile(paths.cert, (await member()).cert.replace(/\n.{64}\n/, '\n')),
      'holds a broken certificate',
    ],
    [
      'an expired certificate',
      async () => put(await member({ issuedAt: Date.now() - 2 * DAY_MS })),
      /expired at .*, 1d.* ago by the clock here: renew it$/,
    ],
    [
      'a certificate of tomorrow',
      async () => put(await member({ issuedAt: Date.now() + DAY_MS })),
      /is not valid before .*Z, and the clock here says .*Z: check the clock$/,
    ],
    ['another CA', async () => writeFile(paths.ca, (await TestNetwork.create('prod')).ca), 'no CA in'],
    [
      'a CA as its own certificate',
      async () => writeFile(paths.cert, network.ca),
      'does not belong to the certificate',
    ],
  ])('are refused with %s', async (_, spoil, why) => {
    await put(await member());
    await spoil();
    await expect(TlsStore.open(paths)).rejects.toMatchObject({
      code: 'precondition',
      reason: 'BAD_CERTIFICATE',
      message: typeof why === 'string' ? expect.stringContaining(why) : expect.stringMatching(why),
    });
  });
});

describe('renewed certificate files', () => {
  const lines: string[] = [];
  const log = {
    info: (_: object, line: string) => lines.push(line),
    warn: (_: object, line: string) => lines.push(line),
  };
  let store: TlsStore;
  let watch: TlsWatch;
  let changes: number;

  beforeEach(async () => {
    lines.length = 0;
    changes = 0;
    await put(await member());
    store = await TlsStore.open(paths);
    store.onChange(() => (changes += 1));
    watch = new TlsWatch({ log: log as never, clock: new VirtualClock() }, store);
  });

  test('are used without a restart, and once', async () => {
    const renewed = await member({ ttlMs: 2 * DAY_MS });
    await put(renewed);
    await watch.review();
    await watch.review();
    expect(store.current.cert).toBe(renewed.cert);
    expect(changes).toBe(1);
    expect(lines).toEqual([expect.stringMatching(/^new certificate in use: valid until/)]);
  });

  test('that are broken are reported once, and the old ones stay', async () => {
    const before = store.current;
    await writeFile(paths.cert, 'half');
    await watch.review();
    await watch.review();
    expect(store.current).toBe(before);
    expect(lines).toEqual([expect.stringContaining('the certificate cannot be renewed')]);
    await put(await member());
    await watch.review();
    expect(changes).toBe(1);
  });

  test.each<[string, Holder]>([
    ['peer', { peer: PeerIdentity.generate() }],
    ['role', { role: 'tracker' }],
  ])('for another %s need a restart', async (_, holder) => {
    await put(await member(holder));
    await watch.review();
    expect(changes).toBe(0);
    expect(lines).toEqual([expect.stringContaining('restart the program')]);
  });
});
