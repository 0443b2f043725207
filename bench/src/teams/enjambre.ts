import { basename, join } from 'node:path';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { AgentControl } from './agent-control.js';
import type { Host, Team, TeamInit } from './team.js';

/** A tracker, and an agent on each host, with default settings. */
export async function startEnjambre(init: TeamInit): Promise<Team> {
  const swarm = await ProcessSwarm.create({ parent: init.root });
  init.after.defer(() => swarm.stop());
  const tracker = await swarm.startTracker(['--listen', `${init.home.address}:0`]);
  const start = (name: string, { address, via }: Host): Promise<SwarmAgent> =>
    swarm.startAgent(name, ['--listen', `${address}:0`], { through: via });
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
