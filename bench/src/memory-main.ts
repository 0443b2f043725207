import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runBench, type Cleanup } from './cleanup.js';
import { makeContent, makeRoot, needSame, prepare, type Content } from './files.js';
import { measurePair, peaksOf } from './pair.js';
import { progress, report } from './report.js';
import { FOLDERS, folderOf, listSetting, numbersSetting, roundsSetting } from './settings.js';
import { spread } from './statistics.js';
import { startAria2 } from './teams/aria2.js';
import { startEnjambre } from './teams/enjambre.js';
import { startLibtorrent } from './teams/libtorrent.js';
import { HERE } from './teams/team.js';

const GIB = 1 << 30;
const SIZES_GIB = numbersSetting('BENCH_GIB', [1, 4, 16]);
const ROUNDS = roundsSetting();
const PROGRAMS = { enjambre: startEnjambre, libtorrent: startLibtorrent, aria2: startAria2 };
/** Where: BENCH_FOLDERS=memory says otherwise. */
const FOLDER = folderOf(listSetting('BENCH_FOLDERS', FOLDERS, ['disk'])[0] ?? 'disk');
type Program = keyof typeof PROGRAMS;
const KNOWN: readonly Program[] = ['enjambre', 'libtorrent', 'aria2'];
/** The file and one copy at a time; the rest is room to breathe. */
const ROOM = 2.1;

interface Peaks {
  /** MiB, from the start of the processes to the end of the download; sharing included. */
  readonly seeder: number;
  readonly downloader: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
}

interface SizeResult {
  readonly gib: number;
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

async function measureSize(gib: number, root: string, after: Cleanup): Promise<SizeResult[]> {
  const folder = join(root, `${gib}`);
  after.defer(() => rm(folder, { recursive: true, force: true }));
  const content = await makeContent(folder, gib * GIB);
  const results = listSetting('BENCH_PROGRAMS', KNOWN).map((program) => ({
    gib,
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
        `${gib} GiB, round ${round}: ${program} ${peaks.seeder.toFixed(0)}, ${peaks.downloader.toFixed(0)} MiB`,
      );
    }
  }
  return results;
}

await runBench(async (after) => {
  // Before anything is measured, there must be room for the largest.
  const root = await makeRoot(FOLDER, Math.max(...SIZES_GIB) * GIB * ROOM, after);
  const results: SizeResult[] = [];
  for (const gib of SIZES_GIB) {
    const part = after.part();
    results.push(...(await measureSize(gib, root, part)));
    await part.run();
  }
  await report({
    benchmark: 'memory',
    about:
      `largest resident memory of both ends, ${FOLDER}, new processes each time, ${ROUNDS} rounds in turn; ` +
      'median (least to most)',
    tables: [
      {
        head: ['size, program', 'seeder MiB', 'downloader MiB', 'CPU s', 'seconds'],
        rows: results.map(({ gib, program, samples }) => [
          `${gib} GiB, ${program}`,
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
      'Enjambre’s seeder has hashed the file, too. libtorrent maps files: pages of them that it has looked at count as',
      'resident though the kernel may take them back. Published of another, not measured here: the gRPC parent of',
      'Dragonfly, 30 GiB, 5.2 GiB.',
    ],
    data: { rounds: ROUNDS, results },
  });
});
