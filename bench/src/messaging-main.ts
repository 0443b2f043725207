import { NatsServer } from '@enjambre/harness/nats-server';
import { ProcessSwarm } from '@enjambre/harness/swarm';
import { type Cleanup, runBench } from './cleanup.js';
import { MessagingPeer } from './messaging-peer.js';
import { report } from './report.js';
import { numberSetting, roundsSetting } from './settings.js';
import { quantile, spread } from './statistics.js';
import { cpuSeconds, peakMiB } from './usage.js';

const MESSAGES = numberSetting('BENCH_MESSAGES', { default: 10_000, most: 10_000_000 });
const ROUNDS = roundsSetting();
/** Pairs of a sender and a receiver; each sender has one message in flight at a time, or many. */
const PAIRS = 10;
const MANY = 8;
const TEXT = 'x'.repeat(200);

interface Sample {
  readonly messagesPerSecond: number;
  /** From the call of Send to the receipt of the message, in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly relayCpuSeconds: number;
  readonly relayPeakMiB: number;
}

interface Setting {
  readonly store: 'memory' | 'JetStream';
  /** Messages of one sender in flight at a time. */
  readonly underWay: number;
}

const SETTINGS: readonly Setting[] = [
  { store: 'memory', underWay: 1 },
  { store: 'JetStream', underWay: 1 },
  { store: 'memory', underWay: MANY },
  { store: 'JetStream', underWay: MANY },
];

/** A messaging service in its own process, with peers in this one: the cost of a message from end to end. */
async function measure({ store, underWay }: Setting, after: Cleanup): Promise<Sample> {
  const swarm = await ProcessSwarm.create();
  after.defer(() => swarm.stop());
  try {
    const nats = store === 'memory' ? undefined : swarm.add(await NatsServer.start());
    const messaging = swarm.run([
      ...['messaging', '--listen', '127.0.0.1:0', '--log-format', 'json', '--message-rate', '1000000'],
      ...['--address-budget', '100'],
      ...(nats ? ['--nats', nats.url] : []),
    ]);
    const address = await messaging.waitForLog(
      (entry) => (typeof entry['address'] === 'string' ? entry['address'] : undefined),
      'the messaging service to listen',
    );
    const { seconds, latenciesMs } = await exchange(address, underWay);
    return {
      messagesPerSecond: latenciesMs.length / seconds,
      p50Ms: quantile(latenciesMs, 0.5),
      p99Ms: quantile(latenciesMs, 0.99),
      relayCpuSeconds: cpuSeconds(messaging.pid),
      relayPeakMiB: peakMiB(messaging.pid),
    };
  } finally {
    await after.run();
  }
}

/** Sends all messages, evenly over the pairs. Resolves when the last one has arrived. */
async function exchange(
  address: string,
  underWay: number,
): Promise<{ seconds: number; latenciesMs: readonly number[] }> {
  const sentAt = new Map<string, number>();
  const latenciesMs: number[] = [];
  let allArrived: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => (allArrived = resolve));
  const each = Math.ceil(MESSAGES / PAIRS);
  const onMessage = (id: string): void => {
    latenciesMs.push(performance.now() - (sentAt.get(id) ?? 0));
    if (latenciesMs.length === each * PAIRS) allArrived();
  };
  const open = (): Promise<MessagingPeer> => MessagingPeer.open(address, onMessage);
  const pairs = await Promise.all([...Array(PAIRS).keys()].map(() => Promise.all([open(), open()])));
  const beganAt = performance.now();
  const sending = pairs.flatMap(([sender, receiver], pair) => {
    let next = 0;
    const sendSome = async (): Promise<void> => {
      while (next < each) {
        const id = `${pair}-${(next += 1)}`;
        sentAt.set(id, performance.now());
        await sender.send(id, receiver, TEXT);
      }
    };
    return [...Array(underWay).keys()].map(sendSome);
  });
  await Promise.all([...sending, arrived]);
  const seconds = (performance.now() - beganAt) / 1000;
  for (const peer of pairs.flat()) peer.close();
  return { seconds, latenciesMs };
}

await runBench(async (after) => {
  const results = SETTINGS.map((setting) => ({ ...setting, samples: [] as Sample[] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { samples, ...setting } of results) samples.push(await measure(setting, after.part()));
  }
  const rowOf = ({ store, underWay, samples }: Setting & { samples: readonly Sample[] }): string[] => [
    `${store}, ${PAIRS} × ${underWay}`,
    spread(
      samples.map(({ messagesPerSecond }) => messagesPerSecond),
      0,
    ),
    spread(
      samples.map(({ p50Ms }) => p50Ms),
      2,
    ),
    spread(
      samples.map(({ p99Ms }) => p99Ms),
      2,
    ),
    spread(
      samples.map(({ relayCpuSeconds }) => relayCpuSeconds),
      2,
    ),
    spread(
      samples.map(({ relayPeakMiB }) => relayPeakMiB),
      0,
    ),
  ];
  await report({
    benchmark: 'messaging',
    about:
      `${MESSAGES} messages of ${TEXT.length} bytes, ${PAIRS} senders to ${PAIRS} receivers, ${ROUNDS} rounds in turn; ` +
      'median (least to most)',
    tables: [
      {
        head: ['store, in flight', 'messages/s', 'p50 ms', 'p99 ms', 'messaging CPU s', 'messaging MiB'],
        rows: results.map(rowOf),
      },
    ],
    data: { messages: MESSAGES, rounds: ROUNDS, results },
  });
});
