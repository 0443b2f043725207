import { basename, join } from 'node:path';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { AgentControl } from './agent-control.js';
import type { Host, Team, TeamInit } from './team.js';

/** A tracker, and an agent on each host, with default settings and in plaintext. */
export function startEnjambre(init: TeamInit): Promise<Team> {
  return startSwarm(init, () => Promise.resolve({ tracker: ['--insecure'], agents: ['--insecure'] }));
}

/** The same with mutual TLS. */
export function startEnjambreWithTls(init: TeamInit): Promise<Team> {
  return startSwarm(init, async (swarm) => {
    const ca = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await swarm.enjambre(['ca', ...args, '--ca', 'ca']);
      if (code !== 0) throw new Error(`ca failed: ${stderr}`);
      return stdout;
    };
    await ca('init');
    const token = await ca('token', '--uses', String(init.downloaders.length + 1));
    return { tracker: ['--ca', 'ca'], agents: ['--join', token] };
  });
}

/** Additional flags. */
interface SwarmFlags {
  readonly tracker: readonly string[];
  readonly agents: readonly string[];
}

async function startSwarm(
  init: TeamInit,
  flagsFor: (swarm: ProcessSwarm) => Promise<SwarmFlags>,
): Promise<Team> {
  const swarm = await ProcessSwarm.create({ parent: init.root });
  init.after.defer(() => swarm.stop());
  const flags = await flagsFor(swarm);
  const tracker = await swarm.startTracker(['--listen', `${init.home.address}:0`, ...flags.tracker]);
  const start = (name: string, { address, via }: Host): Promise<SwarmAgent> =>
    swarm.startAgent(name, ['--listen', `${address}:0`, ...flags.agents], { through: via });
  const seeder = await start('seeder', init.seeder);
  const downloaders = await Promise.all(
    init.downloaders.map((host, index) => start(`downloader-${index + 1}`, host)),
  );
  const shared = await swarm.command(seeder, ['share', init.source, '--json']);
  const infohash = shared.json.at(-1)?.['infohash'];
  if (shared.code !== 0 || typeof infohash !== 'string') throw new Error(`share failed: ${shared.stderr}`);
  const controls = [seeder, ...downloaders].map(({ dataDir }) => new AgentControl(dataDir));
  init.after.defer(() => {
    for (const control of controls) control.close();
  });
  await Promise.all(controls.map((control) => control.ready()));
  const [ofSeeder, ...ofDownloaders] = controls;
  const at = <T>(list: readonly T[], index: number): T => {
    const one = list[index];
    if (one === undefined) throw new RangeError(`no downloader ${index}`);
    return one;
  };
  return {
    seederPid: seeder.process.pid,
    downloaderPids: downloaders.map(({ process }) => process.pid),
    otherPids: [tracker.pid],
    get: (index) => at(ofDownloaders, index).get(infohash),
    fileOf: (index) => join(at(downloaders, index).downloadDir, basename(init.source)),
    forget: (index) => at(ofDownloaders, index).remove(infohash),
    kill: (index) => at(downloaders, index).process.kill(),
    sentBytes: async () => Number((await ofSeeder?.transfer(infohash))?.uploadedBytes ?? 0n),
  };
}
