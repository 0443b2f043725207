import Table from 'cli-table3';
import { benchEmbedded, benchNats, type EventSample } from './events.js';
import { median, spread } from './statistics.js';

const EVENTS = Number(process.env['BENCH_EVENTS'] ?? 50_000);
const PACED = Number(process.env['BENCH_PACED'] ?? 3000);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);

const init = { events: EVENTS, paced: PACED };
const embedded: EventSample[] = [];
const jetstream: EventSample[] = [];
for (let round = 0; round < ROUNDS; round++) {
  embedded.push(await benchEmbedded(init));
  jetstream.push(await benchNats(init));
}

const table = new Table({
  head: ['events', 'a second', 'p50 µs', 'p99 µs'],
  style: { head: [], border: [] },
});
for (const [name, samples] of Object.entries({ embedded, jetstream })) {
  table.push([
    name,
    spread(
      samples.map(({ eventsPerSecond }) => eventsPerSecond),
      0,
    ),
    spread(
      samples.map(({ p50Us }) => p50Us),
      0,
    ),
    spread(
      samples.map(({ p99Us }) => p99Us),
      0,
    ),
  ]);
}
const medians = (samples: readonly EventSample[]): EventSample => ({
  eventsPerSecond: median(samples.map(({ eventsPerSecond }) => eventsPerSecond)),
  p50Us: median(samples.map(({ p50Us }) => p50Us)),
  p99Us: median(samples.map(({ p99Us }) => p99Us)),
});
process.stdout.write(
  `${EVENTS} events at once, then ${PACED} at up to 1000 a second; ${ROUNDS} rounds in turn; median (least to most)\n` +
    `${table.toString()}\n` +
    `${JSON.stringify({ benchmark: 'events', events: EVENTS, rounds: ROUNDS, embedded: medians(embedded), jetstream: medians(jetstream) })}\n`,
);
