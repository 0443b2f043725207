import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { messagingOptions } from '@enjambre/messaging/config';
import { agentOptions } from '@enjambre/peer-agent/config';
import { trackerOptions } from '@enjambre/tracker/config';
import { gatherConfig } from './gather-config.js';
import { gatherFolder } from './gather-disk.js';
import { openFilesOf } from './gather-limits.js';
import { shortly } from './probe.js';

const services = { agent: agentOptions, messaging: messagingOptions, tracker: trackerOptions };
const tables = { agent: agentOptions, services };

describe('settings', () => {
  test('are read separately: valid ones count beside invalid ones', () => {
    const { config, facts } = gatherConfig(
      tables,
      { listen: 'no where', tracker: 'a:1,b:2' },
      { environment: { ENJAMBRE_AGENT_LABEL: 'nothing' } },
    );
    expect(facts.problems).toEqual([
      expect.stringMatching(/^--listen: /),
      expect.stringMatching(/^ENJAMBRE_AGENT_LABEL: /),
    ]);
    expect(config.tracker).toMatchObject([{ host: 'a' }, { host: 'b' }]);
    expect(config.listen).toBeUndefined();
  });

  test('of other services, of the command and of Kubernetes are not reported as unknown', () => {
    const known = [
      'ENJAMBRE_MESSAGING_MAX_PENDING',
      'ENJAMBRE_MAX_PENDING',
      'ENJAMBRE_TOKEN',
      'ENJAMBRE_DATA_DIR',
      'OTHER_DATA_DIR',
    ];
    const kubernetes = [
      'ENJAMBRE_TRACKER_SERVICE_HOST',
      'ENJAMBRE_TRACKER_SERVICE_PORT_GRPC',
      'ENJAMBRE_TRACKER_PORT_7070_TCP_ADDR',
    ];
    const environment = Object.fromEntries(
      [...known, ...kubernetes, 'ENJAMBRE_NAM'].map((name) => [name, '/x']),
    );
    expect(gatherConfig(tables, {}, { environment }).facts.unknown).toEqual([
      { name: 'ENJAMBRE_NAM', meant: 'ENJAMBRE_NAME' },
    ]);
  });
});

describe('a folder', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'enjambre-doctor-'));
  });

  afterEach(() => rm(root, { recursive: true, force: true }));

  test('is measured and left unchanged', async () => {
    const facts = await gatherFolder({ what: 'data folder', path: root, neededBytes: 0 });
    expect(facts).toMatchObject({ exists: true, foldsCase: false });
    expect(facts).not.toHaveProperty('refusal');
    expect(facts.freeBytes).toBeGreaterThan(0);
    expect(facts.totalBytes).toBeGreaterThanOrEqual(facts.freeBytes);
    expect(facts.syncMs).toBeGreaterThan(0);
    expect(await readdir(root)).toEqual([]);
  });

  test('that does not exist is judged by its parent, and not created', async () => {
    const path = join(root, 'a', 'b');
    const facts = await gatherFolder({ what: 'data folder', path, neededBytes: 0 });
    expect(facts).toMatchObject({ path, exists: false });
    expect(facts).not.toHaveProperty('refusal');
    expect(await readdir(root)).toEqual([]);
  });

  // Root can write everywhere.
  (process.getuid?.() === 0 ? test.skip : test)('that may not be written to is refused', async () => {
    await chmod(root, 0o500);
    const { refusal } = await gatherFolder({ what: 'data folder', path: root, neededBytes: 0 });
    expect(refusal).toBe('permission denied');
    await chmod(root, 0o700);
  });

  test('that is not writable is reported with the reason', async () => {
    const { refusal } = await gatherFolder({ what: 'data folder', path: '/proc/self', neededBytes: 0 });
    expect(refusal).toMatch(/\S/);
  });
});

test('the limit of open files is the hard limit, to which Node raises the soft limit', () => {
  const line = (hard: string): string =>
    `Limit  Soft  Hard  Units\nMax open files            1024   ${hard}   files\n`;
  expect(openFilesOf(line('20000'))).toBe(20_000);
  expect(openFilesOf(line('unlimited'))).toBe(Number.MAX_SAFE_INTEGER);
  expect(openFilesOf('nothing of it')).toBeUndefined();
  expect(openFilesOf(undefined)).toBeUndefined();
});

test.each([
  [
    '14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED 127.0.0.1:1',
    'nothing listens there',
  ],
  ['14 UNAVAILABLE: Name resolution failed for target dns:nowhere:1', 'the name does not resolve'],
  ['4 DEADLINE_EXCEEDED: Deadline exceeded after 3.001s', 'no answer within 3s'],
  ['12 UNIMPLEMENTED: The server does not implement this method', 'another kind of server answers there'],
  ['something\nelse', 'something'],
])('%j is shortened', (message, said) => {
  expect(shortly(new Error(message))).toBe(said);
});
