import { report } from './report.js';
import { benchRestart, type Restart } from './restart.js';
import { mibSetting, numberSetting, roundsSetting } from './settings.js';
import { spread } from './statistics.js';

const MIB = 1 << 20;
const SHARES = numberSetting('BENCH_SHARES', { default: 100, most: 10_000 });
const BYTES = mibSetting(1024) * MIB;
const ROUNDS = roundsSetting();

const { stopped, killed } = await benchRestart({ shares: SHARES, bytes: BYTES, rounds: ROUNDS });

const of = (restarts: readonly Restart[], field: keyof Restart): number[] =>
  restarts.map((restart) => restart[field]);
const mib = (restarts: readonly Restart[]): number[] => of(restarts, 'readBytes').map((bytes) => bytes / MIB);
const rows = Object.entries({ 'after a stop': stopped, 'after kill -9': killed }).map(([name, restarts]) => [
  name,
  spread(of(restarts, 'listeningMs'), 0),
  spread(of(restarts, 'seedingMs'), 0),
  spread(of(restarts, 'fetchedMs'), 0),
  spread(of(restarts, 'cpuSeconds'), 2),
  spread(mib(restarts), 0),
]);
await report({
  benchmark: 'restart',
  about: `${SHARES} shares of ${BYTES / MIB} MiB each, sparse; ${ROUNDS} rounds in turn; from the start of the process; median (least to most)`,
  tables: [
    {
      head: ['started again', 'listening ms', 'all served ms', 'piece of last share ms', 'CPU s', 'MiB read'],
      rows,
    },
  ],
  data: { shares: SHARES, bytes_each: BYTES, rounds: ROUNDS, stopped, killed },
});
