import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { writeRandomFile } from '@enjambre/harness/content';
import { checkRefused } from '../checks.js';
import { LINK_LOCAL } from '../hosts.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';

/** 5 % of the swarms of a tracker. */
const SWARMS = 50_000;
/** New addresses that an agent may dial in a second; twice as many at the border of two seconds. */
const DIALS = 10;
const LISTED_MS = 3000;

/** Connections to addresses that the attacker only named. */
const reached = new WeakMap<Stage, { count: number }>();

/** Scenarios against the tracker, and with its help against an agent that downloads. */
export const trackerScenarios: readonly Scenario[] = [
  {
    name: 'names-fillers',
    about: '1,001 fillers that contain the name, and another file of that name',
    victim: 'tracker',
    count: 1001,
    isRefused: false,
    prepare: async (stage) => {
      // The attacker's file is a real one, of a real agent: only its name is another's.
      const mallory = await stage.startAgent('mallory', ['--listen', '127.6.6.6:0']);
      const path = join(stage.swarm.root, 'mallory-originals', 'honest.bin');
      await writeRandomFile(path, 1 << 20);
      await mallory.share(path);
      return {};
    },
    check: async (stage) => [
      await checkRefused(stage, 'honest.bin', { what: 'a name of two files is refused' }),
      ...(await checkUnique(stage)),
    ],
  },
  {
    name: 'names-hidden',
    about: 'a torrent named .ssh that the catalogue calls report.pdf',
    victim: 'downloader',
    count: 1,
    isRefused: false,
    check: async (stage) => [
      await checkRefused(stage, 'report.pdf', { what: 'another name than requested is refused' }),
    ],
  },
  {
    name: 'swarm-answers',
    about: '600 calls of GetSwarm, 1 MB each, with a zero window',
    victim: 'tracker',
    count: 600,
  },
  {
    name: 'events',
    about: '24,000 events a second by one session',
    victim: 'tracker',
    count: 24_000,
    check: async (stage) => {
      const { json } = await stage.swarm.command(stage.downloader.agent, ['events', '--json']);
      const holds = json.some((event) => JSON.stringify(event).includes('honest.bin'));
      return [{ what: 'events of others are kept', holds, seen: `${json.length} events, none of others` }];
    },
  },
  {
    name: 'swarms',
    about: '150,000 swarms by one session',
    victim: 'tracker',
    count: 150_000,
    check: async (stage, { counts }) => {
      const files = await stage.filesOfTracker();
      const seen = `${files} of ${counts.facts['shares'] ?? 0}`;
      return [{ what: `at most ${SWARMS} swarms of one stranger`, holds: files <= SWARMS + 10, seen }];
    },
  },
  {
    name: 'dials',
    about: 'seeders at addresses of others: link-local, localhost, other ports of this host',
    victim: 'downloader',
    count: 1,
    isApart: true,
    prepare: async (stage) => {
      const seen = { count: 0 };
      reached.set(stage, seen);
      const server = createServer((socket) => {
        seen.count += 1;
        socket.on('error', () => undefined);
        socket.destroy();
      });
      await new Promise<void>((resolve) => server.listen(0, resolve));
      stage.swarm.add({
        stop: () => new Promise<void>((resolve) => void server.close(() => resolve())),
      });
      const { port } = server.address() as AddressInfo;
      const hosts = [
        'localhost',
        '127.0.0.1',
        '[::1]',
        '0.0.0.0',
        LINK_LOCAL,
        stage.size.hosts?.honest ?? '',
      ];
      return { content: hosts.map((host) => `${host}:${port}`).join(',') };
    },
    check: (stage) => {
      const { count } = reached.get(stage) ?? { count: 0 };
      const seen = `${count} connections`;
      return Promise.resolve([{ what: 'no connection to an address of others', holds: count === 0, seen }]);
    },
  },
  {
    name: 'fake-seeders',
    about: '600 seeders that accept connections and never answer',
    victim: 'downloader',
    count: 600,
    share: { of: 'dials in a second', most: DIALS },
    isRefused: false,
  },
];

/** A name of one file is found beside the fillers. */
async function checkUnique(stage: Stage): Promise<{ what: string; holds: boolean; seen: string }[]> {
  const path = join(stage.swarm.root, 'originals', 'n.bin');
  const sha256 = await writeRandomFile(path, 1 << 20);
  await stage.seeder.share(path);
  const what = 'a name of one file is found';
  try {
    await stage.downloader.download('n.bin', sha256, LISTED_MS * 3);
    return [{ what, holds: true, seen: '' }];
  } catch (error) {
    return [{ what, holds: false, seen: (error as Error).message }];
  }
}
