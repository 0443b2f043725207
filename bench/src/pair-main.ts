import { runBench } from './cleanup.js';
import { benchPair, type PairResult, type PairSample } from './pair.js';
import { report } from './report.js';
import { foldersSetting, mibSetting, numberSetting, roundsSetting, type FolderKind } from './settings.js';
import { median, spread } from './statistics.js';

const MIB = 1 << 20;
const BYTES = mibSetting(1024) * MIB;
const ROUNDS = roundsSetting();
const WARM_UPS = numberSetting('BENCH_WARMUPS', { least: 0, default: 3, most: 100 });
const CHOSEN = foldersSetting();

const rate = ({ seconds }: PairSample): number => BYTES / seconds / 1e6;
const cpuPerGiB = ({ cpuSeconds }: PairSample): number => (cpuSeconds * 1024 * MIB) / BYTES;

/** Enjambre's rate divided by that of another program, for each round. */
function ratios(ours: PairResult, other: PairResult): number[] {
  return ours.samples.map((sample, round) => {
    const theirs = other.samples[round];
    if (!theirs) throw new Error('all programs must have the same number of rounds');
    return rate(sample) / rate(theirs);
  });
}

function rowOf(result: PairResult, ours: PairResult): string[] {
  const [seeder, downloader] = result.peakMiB;
  const compared = result === ours ? undefined : ratios(ours, result);
  const won = compared?.filter((ratio) => ratio > 1).length;
  return [
    result.name,
    spread(result.samples.map(rate), 0),
    result.warmUps.map((sample) => rate(sample).toFixed(0)).join(', '),
    spread(result.samples.map(cpuPerGiB), 2),
    `${seeder.toFixed(0)}, ${downloader.toFixed(0)}`,
    compared ? spread(compared, 2) : '',
    won === undefined ? '' : `${won} of ${ROUNDS}`,
  ];
}

await runBench(async (after) => {
  const folders: { kind: FolderKind; folder: string; results: PairResult[] }[] = [];
  for (const { kind, folder } of CHOSEN) {
    const part = after.part();
    folders.push({
      kind,
      folder,
      results: await benchPair({
        after: part,
        bytes: BYTES,
        rounds: ROUNDS,
        warmUps: WARM_UPS,
        parent: folder,
      }),
    });
    await part.run();
  }
  await report({
    benchmark: 'pair',
    about: `1 seeder → 1 downloader, loopback, ${BYTES / MIB} MiB, ${ROUNDS} rounds in turn after ${WARM_UPS}; median (least to most)`,
    tables: folders.map(({ kind, folder, results }) => ({
      head: [
        `${kind} (${folder})`,
        'MB/s',
        'before that',
        'CPU s a GiB',
        'peak MiB of both',
        'enjambre : it',
        'enjambre ahead',
      ],
      rows: results.flatMap((result) => (results[0] ? [rowOf(result, results[0])] : [])),
    })),
    data: {
      bytes: BYTES,
      rounds: ROUNDS,
      folders: folders.map(({ kind, folder, results: [ours, ...others] }) => ({
        kind,
        folder,
        programs: [ours, ...others],
        medianRatios: Object.fromEntries(
          others.map((other) => [other.name, ours ? median(ratios(ours, other)) : undefined]),
        ),
      })),
    },
  });
});
