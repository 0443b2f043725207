import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { ManagedProcess } from '@enjambre/harness/managed-process';
import { connectToNats } from '@enjambre/harness/nats-client';
import { NatsServer } from '@enjambre/harness/nats-server';
import { ProcessSwarm } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';

jest.setTimeout(120_000);

const MIB = 1 << 20;

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
});

afterEach(() => swarm.stop());

/** A nats-server with limited JetStream storage. */
async function natsWith(mebibytes: number): Promise<NatsServer> {
  const config = join(swarm.root, 'nats.conf');
  await writeFile(config, `jetstream { max_file_store: ${mebibytes * MIB} }`);
  return swarm.add(await NatsServer.start(['-c', config]));
}

async function reserved(nats: NatsServer): Promise<Readonly<Record<string, number>>> {
  const connection = await connectToNats(nats.url);
  try {
    const { streams } = await connection.jetstreamManager();
    const sizes: Record<string, number> = {};
    for await (const { config } of streams.list()) sizes[config.name] = config.max_bytes / MIB;
    return sizes;
  } finally {
    await connection.close();
  }
}

const said = (service: ManagedProcess, pattern: RegExp): Promise<string> =>
  service.waitForLog(
    ({ msg }) => (typeof msg === 'string' && pattern.test(msg) ? msg : undefined),
    String(pattern),
  );

async function untilServing(address: string): Promise<void> {
  let last = '';
  await waitFor(
    async () => {
      const { code, stdout, stderr } = await swarm.enjambre(['health', address]);
      last = stdout + stderr;
      return code === 0;
    },
    { what: `${address} to serve`, seen: () => last },
  );
}

describe('a nats-server with little storage', () => {
  test('that is too small: the errors name the reservation and the flag that lowers it', async () => {
    const nats = await natsWith(10);
    const messaging = await swarm.startMessaging(['--nats', nats.url]);
    const room = (size: string, what: string, flag: string): RegExp =>
      new RegExp(
        `: its storage has no room for the ${size} MiB reserved for ${what}: raise max_file_store, or lower ${flag}`,
      );
    await said(messaging, room('256', 'messages', '--message-max-bytes'));
    await said(messaging, room('256', 'events', '--event-max-bytes'));
    const tracker = await swarm.startTracker(['--nats', nats.url, '--event-max-bytes', '100MiB']);
    await said(tracker, room('100', 'events', '--event-max-bytes'));
    await said(tracker, room('16', 'the catalogue', '--catalogue-max-bytes'));
  });

  test('that is large enough: restarted services serve again, also with flags that no longer fit', async () => {
    const nats = await natsWith(64);
    const settings = ['--nats', nats.url, '--message-max-bytes', '32MiB', '--event-max-bytes', '10MiB'];
    const messaging = await swarm.startMessaging(settings);
    await untilServing(swarm.messagingAddress);
    await waitFor(async () => (await reserved(nats)).ENJAMBRE_EVENTS === 10, {
      what: 'the stream of events',
    });

    // The tracker's setting for events applies, whichever service starts first.
    const tracker = await swarm.startTracker(['--nats', nats.url, '--event-max-bytes', '12MiB']);
    const all = { ENJAMBRE_MESSAGES: 32, ENJAMBRE_EVENTS: 12, KV_ENJAMBRE_CATALOGUE: 16 };
    await waitFor(async () => Object.keys(await reserved(nats)).length === 4, { what: 'all streams' });
    expect(await reserved(nats)).toMatchObject(all);

    await messaging.stop();
    const again = await swarm.startMessaging(settings);
    await untilServing(swarm.messagingAddress);
    expect(await reserved(nats)).toMatchObject(all);
    expect(again.stdout.filter((line) => line.includes('no room'))).toEqual([]);

    await again.stop();
    const wider = await swarm.startMessaging([...settings, '--message-max-bytes', '1GiB']);
    await said(
      wider,
      /^the message stream keeps its previous limits: its storage has no room for the 1024 MiB/,
    );
    await untilServing(swarm.messagingAddress);
    expect(await reserved(nats)).toMatchObject(all);

    await tracker.stop();
    const much = await swarm.startTracker(['--nats', nats.url, '--event-max-bytes', '1GiB']);
    await said(much, /^the event stream keeps its previous limits: .* --event-max-bytes$/);
    expect(await reserved(nats)).toMatchObject(all);
  });
});
