import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Targets } from '../attack.js';
import type { Stage } from '../stage.js';
import { BY_NODE, type Scenario } from '../scenario.js';
import { controlTokens } from './control.js';

const FILES = 3000;

/** Scenarios against an agent that shares. */
export const seederScenarios: readonly Scenario[] = [
  {
    name: 'metainfo-streams',
    about: '2,000 streams of GetMetainfo with a zero window',
    victim: 'seeder',
    count: 2000,
    endsByNode: BY_NODE,
    prepare: shareManyFiles,
  },
  {
    name: 'metainfo-connections',
    about: '100 connections with 20 streams of GetMetainfo each and a zero window',
    victim: 'seeder',
    count: 100,
    shortCount: 50,
    prepare: shareManyFiles,
  },
  {
    name: 'before-hello',
    about: 'compressed messages before a hello, 12 kB headers and unknown methods, 1,000 a second',
    victim: 'seeder',
    count: 1000,
  },
  {
    name: 'slots',
    about: '256 fresh keys that take upload slots and request nothing',
    victim: 'seeder',
    count: 256,
    shortCount: 256,
  },
  {
    name: 'zero-window',
    about: '30 downloaders that request 16 MiB each and read nothing',
    victim: 'seeder',
    count: 30,
    // They keep their share until others wait for it, and their streams until SLOW_READER, 60 s later.
    isRefused: false,
  },
  {
    name: 'connections',
    about: '5,000 connections, silent or with half a preface',
    victim: 'seeder',
    count: 5000,
  },
  {
    name: 'slow-hellos',
    about: '2,000 streams without a hello, and header blocks that drip',
    victim: 'seeder',
    count: 2000,
  },
  {
    name: 'rapid-reset',
    about: '5,000 streams a second that are reset at once',
    victim: 'seeder',
    count: 5000,
    endsByNode: BY_NODE,
  },
  {
    name: 'ping-flood',
    about: '20,000 PING frames a second',
    victim: 'seeder',
    count: 20_000,
  },
  {
    name: 'settings-flood',
    about: '20,000 SETTINGS and RST_STREAM frames a second',
    victim: 'seeder',
    count: 20_000,
    endsByNode: BY_NODE,
  },
  controlTokens,
];

/** Shares a folder whose metainfo has half a megabyte. */
async function shareManyFiles(stage: Stage): Promise<Partial<Targets>> {
  const folder = join(stage.swarm.root, 'many');
  await mkdir(folder);
  for (let number = 0; number < FILES; number++)
    await writeFile(join(folder, `${String(number).padStart(100, 'x')}.bin`), 'x');
  const { transfer } = await stage.seeder.share(folder);
  return { infohash: transfer?.infohash ?? '' };
}
