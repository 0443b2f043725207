import { runBench } from './cleanup.js';
import { report } from './report.js';
import { folderOf, numberSetting, roundsSetting } from './settings.js';
import { benchSmall, type SmallContent } from './small.js';
import { mean, quantile } from './statistics.js';

const ROUNDS = roundsSetting();
const REPEATS = numberSetting('BENCH_REPEATS', { default: 20, most: 100_000 });
/** A folder takes longer, and its times vary less. */
const FOLDER_REPEATS = Math.ceil(REPEATS / 4);
const FOLDER = folderOf('disk');
/** Published figure of Dragonfly for a file of one byte. */
const DRAGONFLY_MS = 648;

const CONTENTS: readonly SmallContent[] = [
  { name: '1 KiB', files: 1, bytesEach: 1 << 10, repeats: REPEATS },
  { name: '1 MiB', files: 1, bytesEach: 1 << 20, repeats: REPEATS },
  { name: '1000 files of 1 KiB', files: 1000, bytesEach: 1 << 10, repeats: FOLDER_REPEATS },
];

const halves = (values: readonly number[]): string[] =>
  [quantile(values, 0.5), quantile(values, 0.99)].map((value) => value.toFixed(1));

await runBench(async (after) => {
  const { results, startMs } = await benchSmall({
    contents: CONTENTS,
    rounds: ROUNDS,
    parent: FOLDER,
    after,
  });
  await report({
    benchmark: 'small',
    about: `small downloads on one machine, agents running (${FOLDER}), ${ROUNDS} rounds in turn; milliseconds`,
    tables: [
      {
        head: [
          'content',
          'times',
          'download p50',
          'p99',
          'whole command p50',
          'p99',
          'CPU ms of agents, tracker',
          'peak MiB: seeder, downloader',
        ],
        rows: results.map(({ content, apiMs, commandMs, cpuMs, peakMiB }) => [
          ...[content.name, String(apiMs.length), ...halves(apiMs), ...halves(commandMs)],
          mean(cpuMs).toFixed(1),
          peakMiB.map((mib) => mib.toFixed(0)).join(', '),
        ]),
      },
    ],
    notes: [
      `a command that does nothing (--version): p50 ${quantile(startMs, 0.5).toFixed(1)} ms`,
      `published figure, not measured here: Dragonfly, a file of 1 byte, ${DRAGONFLY_MS} ms`,
    ],
    data: { rounds: ROUNDS, results, startMs },
  });
});
