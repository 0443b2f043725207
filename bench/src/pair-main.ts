import Table from 'cli-table3';
import { benchPair, type Sample } from './pair.js';
import { median, spread } from './statistics.js';

const MIB = 1 << 20;
const BYTES = Number(process.env['BENCH_MIB'] ?? 512) * MIB;
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);

const { enjambre, curl, peakMiB } = await benchPair({ bytes: BYTES, rounds: ROUNDS });
const rate = (samples: readonly Sample[]): number[] => samples.map(({ seconds }) => BYTES / seconds / 1e6);
const cpu = (samples: readonly Sample[]): number[] =>
  samples.map(({ cpuSeconds }) => (cpuSeconds * 1024 * MIB) / BYTES);

const table = new Table({
  head: ['1 → 1, loopback', 'MB/s', 'CPU s a GiB'],
  style: { head: [], border: [] },
});
table.push(['enjambre', spread(rate(enjambre), 0), spread(cpu(enjambre), 1)]);
table.push(['curl, then sha256sum', spread(rate(curl), 0), spread(cpu(curl), 1)]);
const ratios = rate(enjambre).map((value, round) => value / (rate(curl)[round] ?? 1));
process.stdout.write(
  `${BYTES / MIB} MiB, ${ROUNDS} rounds in turn; median (least to most)\n${table.toString()}\n` +
    `rate, enjambre : curl + sha256sum = ${spread(ratios, 2)}\n` +
    `peak memory: seeder ${peakMiB[0].toFixed(0)} MiB, downloader ${peakMiB[1].toFixed(0)} MiB\n`,
);
process.stdout.write(
  `${JSON.stringify({
    benchmark: 'pair',
    bytes: BYTES,
    rounds: ROUNDS,
    enjambre,
    curl,
    median_ratio: median(ratios),
    peak_mib: peakMiB,
  })}\n`,
);
