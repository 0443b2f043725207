import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EventSchemas } from '@enjambre/harness/event-schemas';
import { NatsServer } from '@enjambre/harness/nats-server';
import { Onlooker } from '@enjambre/harness/onlooker';
import { finish, ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { expectRefused, lastLine } from './support/outcome.js';
import { MIB, openLink, shareFile, startBehind } from './support/sharing.js';

/** Tolerance between the tracker's decision and the event's time, on a busy machine. */
const STAMPING_MS = 100;

let swarm: ProcessSwarm;
let nats: NatsServer;
let onlooker: Onlooker;
let alice: SwarmAgent;
let bob: SwarmAgent;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  nats = swarm.add(await NatsServer.start());
  onlooker = await Onlooker.start(nats.url);
  await swarm.startMessaging(['--nats', nats.url]);
  await swarm.startTracker(['--nats', nats.url]);
  // Slow enough for progress events.
  alice = await startBehind(swarm, await openLink(swarm, 8 * MIB), 'alice');
  bob = await swarm.startAgent('bob');
});

afterAll(async () => {
  await onlooker.stop();
  await swarm.stop();
});

/** The lines of `enjambre events`, without their times. */
async function told(args: readonly string[]): Promise<string[]> {
  const { stdout, code } = await swarm.command(alice, ['events', ...args]);
  expect(code).toBe(0);
  return stdout.split('\n').map((line) => line.replace(/^\S+ \S+ \S+ {2}/, ''));
}

describe('a network on a real nats-server', () => {
  test('shows its whole life to a plain subscriber, each event as docs/asyncapi.yaml describes it', async () => {
    const file = await shareFile(swarm, [alice], { name: 'model.bin', bytes: 24 * MIB });
    lastLine(await swarm.command(bob, ['get', file.infohash, '--json']));
    lastLine(await swarm.command(alice, ['send', 'bob', 'it', 'is', 'there', '--json']));
    await onlooker.until('enjambre.message.delivered');
    await bob.process.stop();
    await onlooker.until('enjambre.peer.disconnected');

    const schemas = new EventSchemas();
    for (const { subject, json } of onlooker.seen) expect(schemas.problemsOf(subject, json)).toEqual([]);
    const progress = onlooker.seen.filter(({ subject }) => subject === 'enjambre.download.progressed');
    const times = progress.map(({ json }) => Date.parse((json as { time: string }).time));
    expect(times.length).toBeGreaterThan(0);
    // Once a second by the tracker's clock; the event gets its time a moment later.
    for (const [index, time] of times.slice(1).entries())
      expect(time - times[index]!).toBeGreaterThanOrEqual(1000 - STAMPING_MS);
    expect(new Set(onlooker.subjects)).toEqual(
      new Set(
        [
          ...['peer.connected', 'file.shared', 'download.started', 'download.progressed'],
          ...['download.completed', 'message.sent', 'message.delivered', 'peer.disconnected'],
        ].map((type) => `enjambre.${type}`),
      ),
    );
    // Texts are private: the messages in the store do not appear under these subjects.
    expect(JSON.stringify(onlooker.seen.map(({ json }) => json)).match(/it is there/g)).toHaveLength(1);
  });

  test('is printed in sentences for people, and as published for programs', async () => {
    const lines = await told(['--since', '10m', '--type', 'download.*', '--type', 'message.sent']);
    expect(lines).toContainEqual(
      expect.stringMatching(/^download started: model\.bin \([0-9a-f]{8}\) by bob$/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^download completed: model\.bin .* by bob$/));
    expect(lines).toContainEqual(
      expect.stringMatching(/^message sent: alice \([0-9a-f]{8}\) → bob: it is there$/),
    );
    expect(lines).not.toContainEqual(expect.stringContaining('peer connected'));

    const { json } = await swarm.command(alice, ['events', '--json']);
    expect(json).toEqual(onlooker.seen.map(({ json: published }) => published));
    const none = await swarm.command(alice, ['events', '--since', '10m', '--type', 'file.withdrawn']);
    expect(none).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'no such events are stored: `--follow` waits for new ones',
    });
  });

  test('is shown on the console of the tracker, messages with their sender', () => {
    const lines = swarm.tracker.stdout.map((line) => String((JSON.parse(line) as { msg: unknown }).msg));
    for (const expected of [
      /^peer connected: bob /,
      /^file shared: model\.bin .* by alice$/,
      /^download completed: model\.bin .* by bob$/,
      /^message sent: alice \([0-9a-f]{8}\) → bob: it is there$/,
    ]) {
      expect(lines).toContainEqual(expect.stringMatching(expected));
    }
  });

  test('is followed through a restart of the tracker, each event once', async () => {
    const following = swarm.start(alice, ['events', '--follow', '--since', '10m', '--json']);
    await waitFor(() => following.stdout.length >= onlooker.seen.length, { what: 'what was before' });
    await swarm.tracker.kill();
    await swarm.startTracker(['--nats', nats.url]);
    await swarm.startAgent('bob');
    await waitFor(() => following.stdout.some((line) => line.includes('"name":"bob"')), { what: 'bob' });
    const isBack = (line: string): boolean => line.includes('peer.connected') && line.includes('"bob"');
    await waitFor(() => following.stdout.filter(isBack).length >= 2, { what: 'bob to be back' });
    following.signal('SIGINT');
    await finish(following);
    const ids = following.stdout.map((line) => (JSON.parse(line) as { id: string }).id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('continues while NATS is unavailable, and later publishes the events of that time', async () => {
    const before = onlooker.seen.length;
    await nats.kill();
    const file = await shareFile(swarm, [alice], { name: 'meanwhile.bin', bytes: 1 * MIB });
    await waitFor(
      async () => (await swarm.command(alice, ['files', 'meanwhile', '--json'])).json.length === 1,
      { what: 'the tracker to know the file' },
    );
    expect(onlooker.seen).toHaveLength(before);
    // The tracker answers, but has no NATS.
    const refused = await swarm.command(alice, ['events']);
    expectRefused(refused, 4, /NATS .*(is unreachable|did not return the recorded events).*: try again$/);
    await nats.restart();
    // A plain subscriber may reconnect later than the tracker: the stream counts.
    let last = '';
    const isRecorded = async (): Promise<boolean> => {
      last = await onlooker.lastRecorded('enjambre.file.shared');
      return last.includes(file.infohash);
    };
    await waitFor(isRecorded, {
      what: 'the event of the share',
      timeoutMs: 60_000,
      retryErrors: true,
      seen: () => last,
    });
  }, 120_000);
});
