import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { metricsOf } from '@enjambre/harness/metrics-page';
import { NatsServer } from '@enjambre/harness/nats-server';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { MIB, shareFile } from '../e2e/support/sharing.js';
import { dashboardQueries, metricsIn, RULES } from './dashboard.js';
import { Prometheus } from './prometheus.js';

jest.setTimeout(180_000);

/** Slow enough for Prometheus to scrape it several times. */
const RATE = '2MB';
const METRICS = ['--metrics', '127.0.0.1:0'];

let swarm: ProcessSwarm;
let nats: NatsServer;
let prometheus: Prometheus;
let agents: readonly SwarmAgent[];
let traffic: Promise<void>;
const over = new AbortController();

/** Sends messages from one agent to the others, and downloads at each, until the test ends. */
async function talkAndLoad([seeder, ...others]: readonly SwarmAgent[]): Promise<void> {
  if (!seeder) throw new Error('there is no seeder');
  for (let round = 1; !over.signal.aborted; round++) {
    const { infohash } = await shareFile(swarm, [seeder], { name: `file-${round}.bin`, bytes: 12 * MIB });
    await Promise.all([
      swarm.command(seeder, ['send', '--all', `here is file ${round}`]),
      ...others.map((other) => swarm.command(other, ['get', infohash])),
    ]);
  }
}

async function ca(action: string, ...args: string[]): Promise<string> {
  const { code, stdout } = await swarm.enjambre(['ca', action, '--ca', 'ca', ...args]);
  expect(code).toBe(0);
  return stdout;
}

beforeAll(async () => {
  nats = await NatsServer.start();
  swarm = await ProcessSwarm.create();
  swarm.add(nats);
  const withNats = ['--nats', nats.url, ...METRICS];
  await ca('init');
  await ca('issue', '--role', 'messaging', '--out', 'tls');
  const token = await ca('token', '--uses', '4');
  const tracker = await swarm.startTracker([...withNats, '--ca', 'ca']);
  const messaging = await swarm.startMessaging([...withNats, '--tls', 'tls']);
  agents = await Promise.all(
    ['alice', 'bob', 'carol', 'dave'].map((name) =>
      swarm.startAgent(name, ['--max-download', RATE, '--join', token, ...METRICS]),
    ),
  );
  const targets = {
    'enjambre-tracker': [await metricsOf(tracker)],
    'enjambre-messaging': [await metricsOf(messaging)],
    'enjambre-agent': await Promise.all(agents.map(({ process }) => metricsOf(process))),
  };
  prometheus = await Prometheus.start(swarm, targets, RULES);
  traffic = talkAndLoad(agents).catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
});

afterAll(async () => {
  over.abort();
  await Promise.all([swarm.stop(), traffic]);
});

/** True if there is a number: a quantile without samples is NaN. */
async function isAnswered(query: string): Promise<boolean> {
  const series = await prometheus.query(query);
  return series.some(({ value: [, number] }) => Number.isFinite(Number(number)));
}

describe('a swarm with traffic and TLS, scraped by Prometheus', () => {
  test('every service is scraped', async () => {
    await waitFor(async () => (await prometheus.targets()).up === 6, { what: 'six targets to be up' });
    expect(await prometheus.targets()).toEqual({ all: 6, up: 6 });
  });

  test('every query of the dashboard returns data', async () => {
    const queries = await dashboardQueries();
    expect(queries.length).toBeGreaterThan(60);
    let silent = queries;
    await waitFor(
      async () => {
        const answers = await Promise.all(silent.map(({ query }) => isAnswered(query)));
        silent = silent.filter((_, at) => !answers[at]);
        return silent.length === 0;
      },
      { what: 'all queries to be answered', timeoutMs: 60_000, everyMs: 500, seen: () => silent },
    );
    expect(silent).toEqual([]);
  });

  test('every alert is evaluated, and uses existing metrics', async () => {
    const alerts = await waitFor(
      async () => {
        const loaded = await prometheus.alerts();
        return loaded.length > 0 && loaded;
      },
      { what: 'the alerts to be loaded' },
    );
    expect(alerts.length).toBeGreaterThan(10);
    expect(alerts.filter(({ lastError }) => lastError)).toEqual([]);
    const names = [...new Set(alerts.flatMap(({ query }) => metricsIn(query)))];
    expect(names.length).toBeGreaterThan(10);
    for (const name of names)
      await waitFor(() => isAnswered(name), { what: `data of ${name}`, everyMs: 500 });
  });

  test('without NATS the messaging service is not ready, and the tracker only degraded', async () => {
    await nats.kill();
    await waitFor(() => isAnswered('enjambre_ready{service="messaging"} == 0'), {
      what: 'the messaging service to be not ready',
    });
    await waitFor(() => isAnswered('enjambre_health_check{check="enjambre.tracker.nats"} == 0'), {
      what: 'the tracker to report NATS as unavailable',
    });
    expect(await isAnswered('enjambre_ready{service="tracker"} == 1')).toBe(true);
    await waitFor(() => isAnswered('ALERTS{alertname="EnjambreNotReady", alertstate="pending"}'), {
      what: 'the alert to be pending',
    });
  });
});
