import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { metricsOf, metricsPage } from '@enjambre/harness/metrics-page';
import { ProcessSwarm } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { expectRefused } from './support/outcome.js';
import { KIB, MIB, shareFile } from './support/sharing.js';

jest.setTimeout(60_000);

const METRICS = ['--metrics', '127.0.0.1:0'];

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
});

afterEach(() => swarm.stop());

/** Waits until a page contains all of these. */
async function untilSays(address: string, wanted: Readonly<Record<string, number>>): Promise<void> {
  let said: Record<string, number | undefined> = {};
  await waitFor(
    async () => {
      const page = await metricsPage(address);
      said = Object.fromEntries(Object.keys(wanted).map((name) => [name, page.get(name)]));
      return Object.entries(wanted).every(([name, value]) => said[name] === value);
    },
    { what: 'the expected numbers', timeoutMs: 10_000, seen: () => ({ said, wanted }) },
  );
  expect(said).toEqual(wanted);
}

describe('metrics', () => {
  test('count every byte of a download on both sides, and its announces at the tracker', async () => {
    const tracker = await metricsOf(await swarm.startTracker(METRICS));
    const [alice, bob] = [await swarm.startAgent('alice', METRICS), await swarm.startAgent('bob', METRICS)];
    const bytes = 3 * MIB + 5 * KIB;
    const { infohash } = await shareFile(swarm, [alice], { name: 'counted.bin', bytes });
    expect((await swarm.command(bob, ['get', infohash])).code).toBe(0);
    const pieces = Math.ceil(bytes / (256 * KIB));
    await untilSays(await metricsOf(bob.process), {
      'enjambre_agent_received_bytes_total{source="seeder",distance="unknown"}': bytes,
      enjambre_agent_disk_written_bytes_total: bytes,
      enjambre_agent_pieces_verified_total: pieces,
      enjambre_agent_piece_seconds_count: pieces,
      enjambre_agent_verification_failures_total: 0,
      enjambre_agent_requested_bytes: 0,
      enjambre_agent_connected_peers: 0,
      'enjambre_agent_transfers{state="seeding"}': 1,
      'enjambre_agent_transfers{state="downloading"}': 0,
      enjambre_agent_tracker_connected: 1,
      'grpc_server_handled_total{grpc_service="enjambre.agent.v1.AgentService",grpc_method="Download",grpc_code="OK"}': 1,
      'grpc_client_handled_total{grpc_service="enjambre.peer.v1.PeerService",grpc_method="GetMetainfo",grpc_code="OK"}': 1,
      'grpc_client_open{grpc_service="enjambre.tracker.v1.TrackerService",grpc_method="Connect"}': 1,
    });
    await untilSays(await metricsOf(alice.process), {
      'enjambre_agent_sent_bytes_total{distance="unknown"}': bytes,
      enjambre_agent_connected_peers: 0,
      enjambre_agent_upload_streams: 0,
      enjambre_agent_upload_busy_bytes: 0,
      'grpc_server_started_total{grpc_service="enjambre.peer.v1.PeerService",grpc_method="Fetch"}': 1,
      'grpc_server_open{grpc_service="enjambre.peer.v1.PeerService",grpc_method="Fetch"}': 0,
    });
    await untilSays(tracker, {
      enjambre_tracker_agents_connected: 2,
      enjambre_tracker_files: 1,
      enjambre_tracker_swarms: 1,
      'enjambre_tracker_swarm_members{role="seeder"}': 2,
      'enjambre_tracker_swarm_members{role="leecher"}': 0,
      enjambre_tracker_downloads_completed_total: 1,
      'enjambre_tracker_messages_total{kind="hello"}': 2,
      'enjambre_tracker_messages_total{kind="share"}': 1,
      'grpc_server_open{grpc_service="enjambre.tracker.v1.TrackerService",grpc_method="Connect"}': 2,
    });
  });

  test('of a messaging service count each message once, and those pending for absent receivers', async () => {
    await swarm.startTracker();
    const messaging = await metricsOf(await swarm.startMessaging(METRICS));
    const [alice, bob] = [await swarm.startAgent('alice'), await swarm.startAgent('bob')];
    const send = async (text: string): Promise<void> => {
      expect((await swarm.command(alice, ['send', 'bob', text])).code).toBe(0);
    };
    await send('you are there');
    await untilSays(messaging, {
      enjambre_messaging_messages_accepted_total: 1,
      enjambre_messaging_deliveries_total: 1,
      enjambre_messaging_pending_copies: 0,
      enjambre_messaging_receivers_connected: 2,
    });
    await bob.process.stop();
    await send('you are not');
    await untilSays(messaging, {
      enjambre_messaging_messages_accepted_total: 2,
      enjambre_messaging_deliveries_total: 1,
      enjambre_messaging_pending_copies: 1,
      enjambre_messaging_receivers_connected: 1,
      enjambre_messaging_store_available: 1,
    });
  });

  test('of `enjambre dev` are one page for its three services', async () => {
    const address = [
      ...['--listen', '127.0.0.1:0', '--tracker-listen', '127.0.0.1:0', '--messaging-listen', '127.0.0.1:0'],
    ];
    const { dataDir, downloadDir } = swarm.foldersOf('dev');
    const folders = ['--data-dir', dataDir, '--download-dir', downloadDir];
    const dev = swarm.run(['dev', ...address, ...folders, ...METRICS, '--log-format', 'json']);
    const metrics = await metricsOf(dev);
    await untilSays(metrics, {
      'enjambre_ready{service="tracker"}': 1,
      'enjambre_ready{service="messaging"}': 1,
      'enjambre_ready{service="agent"}': 1,
      enjambre_tracker_agents_connected: 1,
      enjambre_messaging_receivers_connected: 1,
      enjambre_agent_tracker_connected: 1,
    });
    const response = await fetch(`http://${metrics}/readyz`);
    expect(await response.json()).toMatchObject({ state: 'ready' });
  });

  test('are off by default; an address in use stops the start, and the error names the flag', async () => {
    const silent = await swarm.startTracker();
    expect(silent.stdout.some((line) => line.includes('/metrics') || line.includes('"metrics"'))).toBe(false);
    const taken = swarm.trackerAddress;
    const refused = await swarm.enjambre(['tracker', '--listen', '127.0.0.1:0', '--metrics', taken]);
    expectRefused(refused, 1, /in use by another program: choose another with --metrics/);
  });
});
