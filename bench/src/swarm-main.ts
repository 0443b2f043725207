import { cpus } from 'node:os';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runBench, type Cleanup } from './cleanup.js';
import { makeContent, makeRoot, type Content } from './files.js';
import { Lab } from './lab.js';
import { progress, report, type TableData } from './report.js';
import {
  folderOf,
  listSetting,
  mibSetting,
  numberSetting,
  numbersSetting,
  roundsSetting,
} from './settings.js';
import { spread } from './statistics.js';
import { runSwarm, SLOW, SWARM_SETTINGS, type SwarmSample, type SwarmSetting } from './swarm.js';
import { startAria2 } from './teams/aria2.js';
import { startEnjambre, startEnjambreWithTls } from './teams/enjambre.js';
import { startLibtorrent } from './teams/libtorrent.js';
import type { StartTeam } from './teams/team.js';

const MIB = 1 << 20;
const BYTES = mibSetting(200) * MIB;
const ROUNDS = roundsSetting();
/** The lab's subnet has 256 addresses: seeder, home, network and broadcast take the others. */
const MOST_DOWNLOADERS = 250;
const DOWNLOADERS = numbersSetting('BENCH_DOWNLOADERS', [8, 16], MOST_DOWNLOADERS);
/** Rate of all links together, so that the load of the CPU does not depend on their number. */
const MBIT_OF_ALL = 1280;
/** With more downloaders than this, only the `equal` setting is the default. */
const MANY = 8;
/** Space for the source and a copy for each downloader, with a margin. */
const ROOM = 1.2;

const PROGRAMS: Readonly<Record<string, StartTeam>> = {
  enjambre: startEnjambre,
  'enjambre with TLS': startEnjambreWithTls,
  libtorrent: startLibtorrent,
  aria2: startAria2,
};

interface Arena {
  readonly downloaders: number;
  readonly setting: SwarmSetting;
  readonly mbit: number;
}

interface ArenaResult extends Arena {
  /** Measured throughput of a TCP stream on the links of a downloader and of the seeder, in bytes per second. */
  readonly linkRate: number;
  readonly seederRate: number;
  readonly floorSeconds: number;
  readonly programs: readonly { name: string; samples: SwarmSample[] }[];
}

function arenas(): Arena[] {
  return DOWNLOADERS.flatMap((downloaders) => {
    const mbit = numberSetting('BENCH_MBIT', {
      default: Math.round(MBIT_OF_ALL / downloaders),
      most: 100_000,
    });
    const settings = listSetting(
      'BENCH_SETTINGS',
      SWARM_SETTINGS,
      downloaders > MANY ? ['equal'] : SWARM_SETTINGS,
    );
    return settings.map((setting) => ({ downloaders, setting, mbit }));
  });
}

const ARENAS = arenas();
const FOLDER = folderOf('memory');

async function compete(arena: Arena, content: Content, after: Cleanup): Promise<ArenaResult> {
  const { downloaders, setting, mbit } = arena;
  const seederMbit = setting === 'slow-seeder' ? mbit * SLOW : mbit;
  const lab = await Lab.build([seederMbit, ...Array<number>(downloaders).fill(mbit)], after);
  const [seederRate, linkRate] = [await lab.linkRate(0), await lab.linkRate(1)];
  // The seeder sends the whole file once, and each downloader receives it once (see docs/performance.md).
  const floorSeconds = BYTES / Math.min(seederRate, linkRate);
  const programs = Object.keys(PROGRAMS).map((name) => ({ name, samples: [] as SwarmSample[] }));
  for (let round = 1; round <= ROUNDS; round++) {
    for (const { name, samples } of programs) {
      const start = PROGRAMS[name];
      if (!start) continue;
      const part = after.part();
      part.defer(() => rm(join(content.root, name), { recursive: true, force: true }));
      const sample = await runSwarm(
        { ...{ lab, content, setting, floorSeconds, start, name }, check: round === 1 },
        part,
      );
      await part.run();
      samples.push(sample);
      progress(
        `1 → ${downloaders}, ${setting}, round ${round}: ${name} last ${sample.last.toFixed(2)} × floor`,
      );
    }
  }
  return { ...arena, linkRate, seederRate, floorSeconds, programs };
}

function tableOf({
  downloaders,
  setting,
  linkRate,
  seederRate,
  floorSeconds,
  programs,
}: ArenaResult): TableData {
  const ours = programs[0]?.samples ?? [];
  const [rate, ofSeeder] = [linkRate, seederRate].map((value) => (value / 1e6).toFixed(2));
  const rates = `link ${rate ?? ''} MB/s, seeder's ${ofSeeder ?? ''}, floor ${floorSeconds.toFixed(2)} s`;
  const rows = programs.map(({ name, samples }, index) => {
    const column = (pick: (sample: SwarmSample) => number, digits: number): string =>
      spread(samples.map(pick), digits);
    const compared = samples.map(({ last }, round) => last / (ours[round]?.last ?? NaN));
    return [
      name,
      column(({ last }) => last, 3),
      column(({ mean }) => mean, 3),
      column(({ seederSent }) => seederSent, 3),
      samples.some(({ seederSaid }) => seederSaid !== undefined)
        ? column(({ seederSaid }) => seederSaid ?? NaN, 3)
        : '',
      column(({ cpuSeconds }) => cpuSeconds, 1),
      [0, 1].map((end) => Math.max(...samples.map(({ peakMiB }) => peakMiB[end] ?? 0)).toFixed(0)).join(', '),
      index === 0 ? '' : spread(compared, 2),
      index === 0 ? '' : `${compared.filter((ratio) => ratio > 1).length} of ${samples.length}`,
    ];
  });
  return {
    head: [
      `1 → ${downloaders}, ${setting}\n${rates}`,
      ...['last ÷ floor', 'mean ÷ floor', 'seeder sent\n÷ file (link)', 'by its\nown count', 'CPU s of all'],
      ...['peak MiB: seeder,\nlargest other', 'last: it ÷\nenjambre', 'enjambre\nahead'],
    ],
    rows,
  };
}

await runBench(async (after) => {
  const root = await makeRoot(FOLDER, BYTES * (Math.max(...DOWNLOADERS) + 1) * ROOM, after);
  const content = await makeContent(root, BYTES);
  const results: ArenaResult[] = [];
  for (const arena of ARENAS) {
    const part = after.part();
    results.push(await compete(arena, content, part));
    await part.run();
  }
  await report({
    benchmark: 'swarm',
    about:
      `1 seeder → N downloaders in network namespaces, links limited, ${BYTES / MIB} MiB, ${ROUNDS} rounds in turn; ` +
      'median (least to most); time from each downloader’s own order',
    tables: results.map(tableOf),
    notes: [
      `All ${Math.max(...DOWNLOADERS) + 1} hosts share the ${cpus().length} cores of this machine: where CPU s of all ÷ ` +
        `${cpus().length} comes near the floor, the cores are the bottleneck, not the program's choice of pieces.`,
    ],
    data: { bytes: BYTES, rounds: ROUNDS, arenas: results },
  });
});
