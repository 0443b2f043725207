import { runBench } from './cleanup.js';
import { benchEmbedded, benchNats, type EventSample } from './events.js';
import { report } from './report.js';
import { numberSetting, roundsSetting } from './settings.js';
import { spread } from './statistics.js';

const EVENTS = numberSetting('BENCH_EVENTS', { default: 50_000, most: 10_000_000 });
const PACED = numberSetting('BENCH_PACED', { default: 3000, most: 1_000_000 });
const ROUNDS = roundsSetting();

await runBench(async () => {
  const init = { events: EVENTS, paced: PACED };
  const samples = { embedded: [] as EventSample[], jetstream: [] as EventSample[] };
  for (let round = 0; round < ROUNDS; round++) {
    samples.embedded.push(await benchEmbedded(init));
    samples.jetstream.push(await benchNats(init));
  }
  const rows = Object.entries(samples).map(([name, of]) => [
    name,
    spread(
      of.map(({ eventsPerSecond }) => eventsPerSecond),
      0,
    ),
    spread(
      of.map(({ p50Us }) => p50Us),
      0,
    ),
    spread(
      of.map(({ p99Us }) => p99Us),
      0,
    ),
  ]);
  await report({
    benchmark: 'events',
    about: `${EVENTS} events at once, then ${PACED} at up to 1000 per second; ${ROUNDS} rounds in turn; median (least to most)`,
    tables: [{ head: ['events', 'per second', 'p50 µs', 'p99 µs'], rows }],
    data: { events: EVENTS, paced: PACED, rounds: ROUNDS, ...samples },
  });
});
