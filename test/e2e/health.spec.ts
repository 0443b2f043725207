import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { HealthProbe, readiness } from '@enjambre/harness/health-probe';
import { metricsOf } from '@enjambre/harness/metrics-page';
import { NatsServer } from '@enjambre/harness/nats-server';
import { ProcessSwarm } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { asSeenInside, fillUp, whyNoMounts, withSmallDisk } from './support/own-mounts.js';
import { expectRefused, lastLine } from './support/outcome.js';
import { MIB, shareFile, untilStatus } from './support/sharing.js';

jest.setTimeout(90_000);

const METRICS = ['--metrics', '127.0.0.1:0'];
const noMounts = whyNoMounts();
if (noMounts !== '') process.stderr.write(`\nSKIPPED: health with a full disk: ${noMounts}\n\n`);
const testWithMounts = noMounts === '' ? test : test.skip;

let swarm: ProcessSwarm;
const probes: HealthProbe[] = [];

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
});

afterEach(async () => {
  for (const each of probes.splice(0)) each.close();
  await swarm.stop();
});

function probe(address: string): HealthProbe {
  const made = new HealthProbe(address);
  probes.push(made);
  return made;
}

const page = async (url: string): Promise<string> => {
  const response = await fetch(url);
  return `${response.status} ${await response.text()}`;
};

describe('health', () => {
  testWithMounts(
    'of an agent says that the disk is full until there is room; it lives and serves',
    async () => {
      await swarm.startTracker();
      const alice = await swarm.startAgent('alice');
      const { downloadDir } = swarm.foldersOf('bob');
      const through = withSmallDisk(downloadDir, 32 * MIB);
      const bob = asSeenInside(await swarm.startAgent('bob', METRICS, { through }));
      const metrics = await metricsOf(bob.process);
      const health = probe(bob.address);
      const becomes = (status: string): Promise<true> =>
        waitFor(async () => (await health.status('enjambre.agent.disk')) === status, {
          what: `the disk to be ${status}`,
        });
      await waitFor(async () => (await readiness(metrics)).state === 'ready', { what: 'bob to be ready' });
      await becomes('SERVING');

      const file = await shareFile(swarm, [alice], { name: 'big.bin', bytes: 8 * MIB });
      await fillUp(join(bob.downloadDir, 'filler'));
      await becomes('NOT_SERVING');
      expect([await health.status(''), await health.status('enjambre.peer.v1.PeerService')]).toEqual([
        'SERVING',
        'SERVING',
      ]);
      expect(await readiness(metrics)).toMatchObject({
        status: 200,
        state: 'degraded',
        reasons: [
          expect.stringMatching(/^enjambre\.agent\.disk: .*bob-files has only \d+ bytes left: make room/),
        ],
        checks: { 'enjambre.agent.disk': false, 'enjambre.agent.tracker': true },
      });
      expect(await page(`http://${metrics}/healthz`)).toBe('200 alive\n');

      expectRefused(
        await swarm.command(bob, ['get', file.infohash]),
        1,
        /big\.bin needs 8\.\d MB .*make room/,
      );
      await rm(join(bob.downloadDir, 'filler'));
      // A disk that fills during a download.
      const slowly = ['--detach', '--max-download', '500kB', '--json'];
      lastLine(await swarm.command(bob, ['get', file.infohash, ...slowly]));
      await untilStatus(swarm, bob, {
        ref: file.infohash,
        is: ({ done_bytes }) => done_bytes >= 1,
        what: 'the download to be active',
      });
      await fillUp(join(bob.downloadDir, 'filler'));
      lastLine(await swarm.command(bob, ['limit', file.infohash, '--max-download', 'none', '--json']));
      const failed = {
        ref: file.infohash,
        is: ({ state }: { state: string }) => state === 'failed',
        what: 'failed',
      };
      await untilStatus(swarm, bob, failed);
      await rm(join(bob.downloadDir, 'filler'));
      await waitFor(
        async () => (await readiness(metrics)).reasons[0]?.includes('big.bin has stopped (DISK_FULL)'),
        { what: 'the download that has stopped to be the reason' },
      );
      expect((await swarm.command(bob, ['resume', file.infohash])).code).toBe(0);
      await becomes('SERVING');
      expect(await page(`http://${metrics}/metrics`)).toContain(
        'enjambre_agent_transfer_failures_total{reason="DISK_FULL"} 1\n',
      );
    },
  );

  test('of an agent without its tracker is degraded', async () => {
    const tracker = await swarm.startTracker();
    const alice = await swarm.startAgent('alice', METRICS);
    const metrics = await metricsOf(alice.process);
    await waitFor(async () => (await readiness(metrics)).state === 'ready', { what: 'alice to be ready' });
    await tracker.kill();
    await waitFor(async () => (await readiness(metrics)).state === 'degraded', {
      what: 'the loss to be reported',
    });
    const health = probe(alice.address);
    expect(await health.status('')).toBe('SERVING');
    await waitFor(async () => (await health.status('enjambre.agent.tracker')) === 'NOT_SERVING', {
      what: 'health to follow',
    });
  });

  test('of a tracker without NATS is degraded, of a messaging service not ready; both recover', async () => {
    const nats = swarm.add(await NatsServer.start());
    const withNats = ['--nats', nats.url, ...METRICS];
    const tracker = await metricsOf(await swarm.startTracker(withNats));
    const messaging = await metricsOf(await swarm.startMessaging(withNats));
    const [trackerHealth, messagingHealth] = [probe(swarm.trackerAddress), probe(swarm.messagingAddress)];
    const states = async (): Promise<string[]> => [
      (await readiness(tracker)).state,
      (await readiness(messaging)).state,
      await trackerHealth.status(''),
      await trackerHealth.status('enjambre.tracker.nats'),
      await messagingHealth.status('enjambre.messaging.v1.MessagingService'),
      await messagingHealth.status('enjambre.messaging.store'),
    ];
    const become = (...wanted: string[]): Promise<true> =>
      waitFor(async () => (await states()).join() === wanted.join(), { what: wanted.join() });
    await become('ready', 'ready', 'SERVING', 'SERVING', 'SERVING', 'SERVING');
    await nats.kill();
    await become('degraded', 'not ready', 'SERVING', 'NOT_SERVING', 'NOT_SERVING', 'NOT_SERVING');
    expect((await readiness(messaging)).status).toBe(503);
    expect((await swarm.enjambre(['files', '--tracker', swarm.trackerAddress])).code).toBe(0);
    await nats.restart();
    await become('ready', 'ready', 'SERVING', 'SERVING', 'SERVING', 'SERVING');
  });

  test.each(['tracker', 'messaging', 'agent'])(
    'of a %s on SIGTERM reports draining before it ends calls',
    async (service) => {
      await swarm.startTracker(METRICS);
      await swarm.startMessaging(METRICS);
      const alice = await swarm.startAgent('alice', METRICS);
      const [process, address] = {
        tracker: [swarm.tracker, swarm.trackerAddress] as const,
        messaging: [swarm.messaging, swarm.messagingAddress] as const,
        agent: [alice.process, alice.address] as const,
      }[service as 'tracker' | 'messaging' | 'agent'];
      const metrics = await metricsOf(process);
      // A call that stays open until the service ends it.
      const { heard, over } = probe(address).watch('');
      await waitFor(() => heard.length > 0, { what: 'the health status' });
      process.signal('SIGTERM');
      const draining = await waitFor(
        async () => {
          const { status, reasons } = await readiness(metrics);
          return status === 503 && reasons;
        },
        { what: 'the drain to be reported' },
      );
      expect(draining).toContain(`${service}: it is draining`);
      await over;
      expect(heard).toEqual(['SERVING', 'NOT_SERVING']);
      expect(await process.wait()).toBe(0);
    },
  );
});
