import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { NatsLink } from '@enjambre/common/nats/nats-link';
import { NatsServer } from '@enjambre/harness/nats-server';
import { ProcessSwarm } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { ofKind, OVERLAYS, render, ROOT } from './manifests.js';

const log = createLogger({ name: 'test', level: 'silent' });
const PASSWORDS = { NATS_TRACKER_PASSWORD: 't0123', NATS_MESSAGING_PASSWORD: 'm0123' };

test.each(OVERLAYS)('a real nats-server accepts the configuration of the overlay %s', (overlay) => {
  const [config] = ofKind(render(overlay), 'ConfigMap') as unknown as { data: Record<string, string> }[];
  const text = config?.data['nats.conf'] ?? '';
  const users = config?.data['users.conf'] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'enjambre-nats-conf-'));
  const check = (content: string): string => {
    const path = join(folder, 'nats.conf');
    writeFileSync(path, content);
    writeFileSync(join(folder, 'users.conf'), users);
    const env = { ...process.env, ...PASSWORDS, POD_NAME: 'nats-0' };
    return execFileSync('nats-server', ['-t', '-c', path], { env, encoding: 'utf8', stdio: 'pipe' });
  };
  try {
    check(text);
    expect(users).toContain('user: tracker');
    expect(() => check(text.replace('store_dir', 'store_folder'))).toThrow(/store_folder/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

describe('with the users of the manifests', () => {
  let swarm: ProcessSwarm;
  let nats: NatsServer;
  const urlOf = (user: string): string => nats.url.replace('://', `://${user}:${user[0] ?? ''}0123@`);
  const linked = async (url: string): Promise<NatsLink> => {
    const link = new NatsLink({ log }, { url, name: 'test' });
    await link.start();
    return link;
  };

  beforeAll(async () => {
    Object.assign(process.env, PASSWORDS);
    swarm = await ProcessSwarm.create();
    nats = swarm.add(await NatsServer.start(['-c', `${ROOT}/deploy/k8s/base/services/users.conf`]));
    await swarm.startMessaging(['--nats', urlOf('messaging')]);
    await swarm.startTracker(['--nats', urlOf('tracker')]);
  }, 60_000);

  afterAll(() => swarm.stop());

  test('tracker and messaging work, and messages are on the console of the tracker', async () => {
    const [alice, bob] = [await swarm.startAgent('alice'), await swarm.startAgent('bob')];
    await waitFor(async () => (await swarm.command(alice, ['send', 'bob', 'psst'])).code === 0, {
      what: 'a message to be sent',
    });
    await waitFor(async () => (await swarm.command(bob, ['inbox', '--all'])).stdout.includes('psst'), {
      what: 'the message',
    });
    const shown = (): boolean => swarm.tracker.stdout.some((line) => line.includes('bob: psst'));
    await waitFor(shown, { what: 'the message on the console' });
    for (const service of [swarm.tracker, swarm.messaging])
      expect(service.stdout.join('\n')).not.toMatch(/permission|cannot be stored/i);
  }, 60_000);

  test('the tracker cannot read stored messages or contacts, and a stranger cannot connect', async () => {
    const link = await linked(urlOf('tracker'));
    const { connection } = link;
    const isAnswered = async (subject: string): Promise<boolean> =>
      connection.request(subject, '{}', { timeout: 1000 }).then(
        () => true,
        () => false,
      );
    expect(await isAnswered('$JS.API.STREAM.INFO.ENJAMBRE_EVENTS')).toBe(true);
    for (const subject of [
      '$JS.API.STREAM.INFO.ENJAMBRE_MESSAGES',
      '$JS.API.STREAM.MSG.GET.ENJAMBRE_MESSAGES',
      '$JS.API.CONSUMER.CREATE.ENJAMBRE_MESSAGES',
      '$JS.API.STREAM.INFO.KV_ENJAMBRE_CONTACTS',
    ])
      expect({ subject, answered: await isAnswered(subject) }).toEqual({ subject, answered: false });
    await link.stop();
    const stranger = await linked(nats.url);
    expect(stranger.connected).toBe(false);
    await stranger.stop();
  });
});
