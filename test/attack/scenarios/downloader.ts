import { checkRefused } from '../checks.js';
import type { Check, Scenario } from '../scenario.js';
import { flippedBit } from './flipped-bit.js';
import type { Stage } from '../stage.js';

/** Scenarios against an agent that downloads. */
export const downloaderScenarios: readonly Scenario[] = [
  {
    name: 'dripping-seeders',
    about: '50 seeders that send a byte of metainfo a second',
    victim: 'downloader',
    count: 50,
    isRefused: false,
  },
  {
    name: 'hostile-frames',
    about: 'uploaders that flood DATA on unknown streams, HEADERS, PING and PRIORITY',
    victim: 'downloader',
    count: 4,
  },
  {
    name: 'metainfo-pieces',
    about: 'metainfo of 2·10⁹ pieces in 5 MB',
    victim: 'downloader',
    count: 1,
    isRefused: false,
    check: async (stage) => [
      await checkRefused(stage, 'pieces.bin', {
        what: 'a torrent of too many pieces fails with the reason',
      }),
      await checkList(stage),
    ],
  },
  {
    name: 'metainfo-wrong',
    about: 'seeders with 10 MB of metainfo of another file',
    victim: 'downloader',
    count: 4,
    isRefused: false,
  },
  {
    name: 'poisoner',
    about: 'a seeder that answers each request with wrong bytes',
    victim: 'downloader',
    count: 1,
    // So that the downloader asks both.
    seederArgs: ['--max-upload', '10MB'],
    refusals: async (stage) => {
      const banned = await stage.downloader.banned();
      const others = banned.filter((id) => id !== stage.targets.seederId);
      return others.length > 0 ? { 'a ban': others.length } : {};
    },
    check: checkSeederIsNotBanned,
  },
  flippedBit,
];

/** The agent still answers. */
async function checkList(stage: Stage): Promise<Check> {
  const { code, stderr } = await stage.swarm.command(stage.downloader.agent, ['ls']);
  return { what: 'ls works', holds: code === 0, seen: stderr.slice(0, 100) };
}

async function checkSeederIsNotBanned(stage: Stage): Promise<Check[]> {
  const holds = !(await stage.downloader.banned()).includes(stage.targets.seederId);
  return [{ what: 'the honest seeder is not banned', holds, seen: 'banned' }];
}
