import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runBench, type Cleanup } from './cleanup.js';
import { makeContent, makeFolderContent, makeRoot, needSame, prepare, type Content } from './files.js';
import { measurePair, peaksOf } from './pair.js';
import { progress, report } from './report.js';
import { folderSetting, listSetting, numberSetting, numbersSetting, roundsSetting } from './settings.js';
import { spread } from './statistics.js';
import { startAria2 } from './teams/aria2.js';
import { startEnjambre } from './teams/enjambre.js';
import { startLibtorrent } from './teams/libtorrent.js';
import { HERE } from './teams/team.js';

const GIB = 1 << 30;
const SIZES_GIB = numbersSetting('BENCH_GIB', [1, 4, 16], 1024);
/** 0 omits the folder of small files. */
const SMALL_FILES = numberSetting('BENCH_SMALL_FILES', { default: 20_000, least: 0, most: 100_000 });
const SMALL_BYTES = 1024;
const ROUNDS = roundsSetting();
const PROGRAMS = { enjambre: startEnjambre, libtorrent: startLibtorrent, aria2: startAria2 };
/** The folder: on disk, unless BENCH_FOLDERS=memory. */
const FOLDER = folderSetting('BENCH_FOLDERS', 'disk');
type Program = keyof typeof PROGRAMS;
const KNOWN: readonly Program[] = ['enjambre', 'libtorrent', 'aria2'];
const CHOSEN = listSetting('BENCH_PROGRAMS', KNOWN);
/** Space for the file and one copy at a time, with a margin. */
const ROOM = 2.1;

interface Peaks {
  /** MiB, from the start of the processes to the end of the download; sharing included. */
  readonly seeder: number;
  readonly downloader: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
}

/** Content that all programs download. */
interface Load {
  readonly name: string;
  readonly make: (root: string) => Promise<Content>;
}

const LOADS: readonly Load[] = [
  ...SIZES_GIB.map((gib) => ({
    name: `${gib} GiB`,
    make: (root: string) => makeContent(root, gib * GIB),
  })),
  ...(SMALL_FILES === 0
    ? []
    : [
        {
          name: `${SMALL_FILES} files of 1 KiB`,
          make: (root: string) => makeFolderContent(root, SMALL_FILES, SMALL_BYTES),
        },
      ]),
];

interface LoadResult {
  readonly load: string;
  readonly program: Program;
  readonly samples: Peaks[];
}

/** One download between new processes. */
async function peaksOnce(program: Program, content: Content, check: boolean, after: Cleanup): Promise<Peaks> {
  const root = join(content.root, program);
  await mkdir(root);
  after.defer(() => rm(root, { recursive: true, force: true }));
  const init = { ...content, after, root, home: HERE, seeder: HERE, downloaders: [HERE] };
  const team = await PROGRAMS[program](init);
  await prepare(content);
  const sample = await measurePair(team);
  const [seeder, downloader] = peaksOf(team);
  if (check) await needSame(team.fileOf(0), content);
  return { ...sample, seeder, downloader };
}

async function measureLoad({ name, make }: Load, root: string, after: Cleanup): Promise<LoadResult[]> {
  const folder = join(root, 'load');
  after.defer(() => rm(folder, { recursive: true, force: true }));
  const content = await make(folder);
  const results = CHOSEN.map((program) => ({
    load: name,
    program,
    samples: [] as Peaks[],
  }));
  for (let round = 1; round <= ROUNDS; round++) {
    for (const { program, samples } of results) {
      const turn = after.part();
      const peaks = await peaksOnce(program, content, round === 1, turn);
      await turn.run();
      samples.push(peaks);
      progress(
        `${name}, round ${round}: ${program} ${peaks.seeder.toFixed(0)}, ${peaks.downloader.toFixed(0)} MiB`,
      );
    }
  }
  return results;
}

await runBench(async (after) => {
  // Check the space for the largest content before the first measurement.
  const root = await makeRoot(FOLDER, Math.max(...SIZES_GIB) * GIB * ROOM, after);
  const results: LoadResult[] = [];
  for (const load of LOADS) {
    const part = after.part();
    results.push(...(await measureLoad(load, root, part)));
    await part.run();
  }
  await report({
    benchmark: 'memory',
    about:
      `largest resident memory of both ends, ${FOLDER}, new processes each time, ${ROUNDS} rounds in turn; ` +
      'median (least to most)',
    tables: [
      {
        head: ['content, program', 'seeder MiB', 'downloader MiB', 'CPU s', 'seconds'],
        rows: results.map(({ load, program, samples }) => [
          `${load}, ${program}`,
          spread(
            samples.map(({ seeder }) => seeder),
            0,
          ),
          spread(
            samples.map(({ downloader }) => downloader),
            0,
          ),
          spread(
            samples.map(({ cpuSeconds }) => cpuSeconds),
            1,
          ),
          spread(
            samples.map(({ seconds }) => seconds),
            1,
          ),
        ]),
      },
    ],
    notes: [
      'Enjambre’s seeder has also hashed the file. libtorrent maps files: the pages that it has touched count as',
      'resident although the kernel may reclaim them. Published figure, not measured here: the gRPC parent of',
      'Dragonfly, 30 GiB, 5.2 GiB.',
    ],
    data: { rounds: ROUNDS, results },
  });
});
