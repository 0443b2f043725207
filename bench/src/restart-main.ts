import Table from 'cli-table3';
import { benchRestart, type Restart } from './restart.js';
import { median, spread } from './statistics.js';

const MIB = 1 << 20;
const SHARES = Number(process.env['BENCH_SHARES'] ?? 100);
const BYTES = Number(process.env['BENCH_MIB'] ?? 1024) * MIB;
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);

const { stopped, killed } = await benchRestart({ shares: SHARES, bytes: BYTES, rounds: ROUNDS });

const of = (restarts: readonly Restart[], field: keyof Restart): number[] =>
  restarts.map((restart) => restart[field]);
const table = new Table({
  head: ['started again', 'listening ms', 'all served ms', 'fetched from the last ms', 'CPU s', 'MiB read'],
  style: { head: [], border: [] },
});
for (const [name, restarts] of Object.entries({ 'after a stop': stopped, 'after kill -9': killed })) {
  table.push([
    name,
    spread(of(restarts, 'listeningMs'), 0),
    spread(of(restarts, 'seedingMs'), 0),
    spread(of(restarts, 'fetchedMs'), 0),
    spread(of(restarts, 'cpuSeconds'), 2),
    spread(
      of(restarts, 'readBytes').map((bytes) => bytes / MIB),
      0,
    ),
  ]);
}
const both = [...stopped, ...killed];
process.stdout.write(
  `${SHARES} shares of ${BYTES / MIB} MiB each, sparse; ${ROUNDS} rounds in turn; from the start of the process; median (least to most)\n` +
    `${table.toString()}\n` +
    `${JSON.stringify({
      benchmark: 'restart',
      shares: SHARES,
      bytes_each: BYTES,
      rounds: ROUNDS,
      stopped,
      killed,
      median_all_served_ms: median(of(both, 'seedingMs')),
      median_fetched_ms: median(of(both, 'fetchedMs')),
    })}\n`,
);
