import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { writeRandomFile } from '@enjambre/harness/content';
import { waitFor } from '@enjambre/harness/wait-for';
import { checkRefused } from '../checks.js';
import type { Targets } from '../attack.js';
import { LINK_LOCAL } from '../hosts.js';
import { BY_NODE, type Check, type Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';

/** 5 % of the swarms of a tracker. */
const SWARMS = 50_000;
/** New addresses that an agent may dial in ten seconds: 20 at once and five a second. */
const DIALS = 75;
/** The tracker sums up the events that it left out. */
const THROTTLED_MS = 20_000;
const LISTED_MS = 10_000;

/** Connections to addresses that the attacker only named. */
const reached = new WeakMap<Stage, { count: number }>();

/** Scenarios against the tracker, and with its help against an agent that downloads. */
export const trackerScenarios: readonly Scenario[] = [
  {
    name: 'names-fillers',
    about: '999 fillers that contain a name and a hostile file of that name; 1,001 fillers of another name',
    victim: 'tracker',
    // With the hostile file, a page of 1,000 does not reach the honest one.
    count: 999,
    shortCount: 999,
    isRefused: false,
    prepare: shareTwin,
    check: async (stage) => [await checkAmbiguous(stage), await checkSingle(stage)],
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
    endsByNode: BY_NODE,
  },
  {
    name: 'events',
    about: '24,000 events a second by one session',
    victim: 'tracker',
    count: 24_000,
    // Messages beyond the limit are read later, and events beyond it are left out: everybody sees how many.
    refusals: async (stage) => {
      const count = async (): Promise<number> => {
        const { json } = await stage.swarm.command(stage.downloader.agent, ['events', '--json']);
        return json.filter((event) => JSON.stringify(event).includes('peer.throttled')).length;
      };
      const options = { what: 'the event', timeoutMs: THROTTLED_MS, everyMs: 500 };
      const found = await waitFor(async () => (await count()) || undefined, options).catch(() => 0);
      return found > 0 ? { 'peer.throttled': found } : {};
    },
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
    shortCount: 60_000,
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
    shortCount: 600,
    share: { of: 'dials in ten seconds', most: DIALS },
    isRefused: false,
  },
];

/** A real agent of the attacker shares another file named honest.bin, whose infohash sorts before the honest one. */
async function shareTwin(stage: Stage): Promise<Partial<Targets>> {
  const mallory = await stage.startAgent('mallory', ['--listen', '127.6.6.6:0']);
  const path = join(stage.swarm.root, 'mallory-originals', 'honest.bin');
  for (;;) {
    await writeRandomFile(path, 1 << 20);
    const { transfer } = await mallory.share(path);
    if ((transfer?.infohash ?? '') < stage.targets.infohash) return {};
    await mallory.remove(transfer?.infohash ?? '', false);
  }
}

async function checkAmbiguous(stage: Stage): Promise<Check> {
  const what = 'a name of two files is refused, and both are named';
  try {
    const { infohash } = await stage.downloader.finish('honest.bin', LISTED_MS);
    const which = infohash === stage.targets.infohash ? 'the honest' : "the attacker's";
    return { what, holds: false, seen: `${which} file was downloaded` };
  } catch (error) {
    const { message } = error as Error;
    return { what, holds: message.includes(stage.targets.infohash.slice(0, 8)), seen: message };
  }
}

/** A name of one file is found beside the fillers. */
async function checkSingle(stage: Stage): Promise<Check> {
  const path = join(stage.swarm.root, 'originals', 'single.bin');
  const sha256 = await writeRandomFile(path, 1 << 20);
  await stage.seeder.share(path);
  const what = 'a name of one file is found';
  try {
    await stage.downloader.download('single.bin', sha256, LISTED_MS);
    return { what, holds: true, seen: '' };
  } catch (error) {
    return { what, holds: false, seen: (error as Error).message };
  }
}
