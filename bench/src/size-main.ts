import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { writeRandomFile } from '@enjambre/harness/content';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { runBench } from './cleanup.js';
import { report } from './report.js';
import { mibSetting, numberSetting } from './settings.js';
import { median } from './statistics.js';
import { cpuSeconds, peakMiB, residentMiB } from './usage.js';

const AGENTS = numberSetting('BENCH_AGENTS', { default: 10, least: 2, most: 1000 });
const MIB = mibSetting(256);
const SECONDS = numberSetting('BENCH_SECONDS', { default: 10, most: 3600 });

/** Cores used over some idle seconds, by process id. */
async function idleCores(pids: readonly number[]): Promise<number[]> {
  const before = pids.map((pid) => cpuSeconds(pid));
  const startedAt = performance.now();
  await delay(SECONDS * 1000);
  const seconds = (performance.now() - startedAt) / 1000;
  return pids.map((pid, at) => (cpuSeconds(pid) - (before[at] ?? 0)) / seconds);
}

interface Measured {
  readonly idleMiB: number;
  readonly idleCores: number;
  /** CPU seconds of the process for all downloads. */
  readonly workSeconds: number;
  readonly peakMiB: number;
}

/** Resources of services and agents of one network: idle, and for one file to all agents. */
async function measure(swarm: ProcessSwarm): Promise<ReadonlyMap<string, Measured>> {
  const tracker = await swarm.startTracker();
  const messaging = await swarm.startMessaging();
  const agents: SwarmAgent[] = [];
  for (let number = 0; number < AGENTS; number++) agents.push(await swarm.startAgent(`agent-${number}`));
  await waitFor(
    async () => {
      const { json } = await swarm.enjambre(['peers', '--json', '--tracker', swarm.trackerAddress]);
      return json.length === AGENTS;
    },
    { what: 'all agents to be connected', timeoutMs: 60_000, everyMs: 500 },
  );
  const named = new Map([
    ['tracker', tracker.pid],
    ['messaging', messaging.pid],
    ...agents.map(({ name, process }) => [name, process.pid] as const),
  ]);
  const pids = [...named.values()];
  const cores = await idleCores(pids);
  const idleMiB = pids.map((pid) => residentMiB(pid));
  const before = pids.map((pid) => cpuSeconds(pid));
  const [seeder, ...others] = agents as [SwarmAgent, ...SwarmAgent[]];
  const path = join(swarm.root, 'file.bin');
  await writeRandomFile(path, MIB * 2 ** 20);
  const shared = await swarm.command(seeder, ['share', path, '--json']);
  const infohash = String(shared.json.at(-1)?.['infohash']);
  const gets = await Promise.all(others.map((agent) => swarm.command(agent, ['get', infohash, '--json'])));
  if (gets.some(({ code }) => code !== 0)) throw new Error('a download failed');
  return new Map(
    [...named].map(([name, pid], at) => [
      name,
      {
        idleMiB: idleMiB[at] ?? 0,
        idleCores: cores[at] ?? 0,
        workSeconds: cpuSeconds(pid) - (before[at] ?? 0),
        peakMiB: peakMiB(pid),
      },
    ]),
  );
}

await runBench(async (after) => {
  const swarm = await ProcessSwarm.create();
  after.defer(() => swarm.stop());
  const measured = await measure(swarm);
  const of = (names: (name: string) => boolean): Measured[] =>
    [...measured].filter(([name]) => names(name)).map(([, one]) => one);
  const row = (what: string, ones: readonly Measured[]): string[] => [
    what,
    median(ones.map(({ idleMiB }) => idleMiB)).toFixed(0),
    median(ones.map(({ idleCores }) => idleCores)).toFixed(3),
    median(ones.map(({ workSeconds }) => workSeconds)).toFixed(1),
    Math.max(...ones.map(({ peakMiB }) => peakMiB)).toFixed(0),
  ];
  await report({
    benchmark: 'size',
    about: `${AGENTS} agents, a file of ${MIB} MiB from one to all others over loopback; agents: medians, and the largest peak`,
    tables: [
      {
        head: ['process', 'idle MiB', 'idle cores', 'CPU s for the file', 'peak MiB'],
        rows: [
          row(
            'tracker',
            of((name) => name === 'tracker'),
          ),
          row(
            'messaging',
            of((name) => name === 'messaging'),
          ),
          row(
            'seeder',
            of((name) => name === 'agent-0'),
          ),
          row(
            'each other agent',
            of((name) => name.startsWith('agent-') && name !== 'agent-0'),
          ),
        ],
      },
    ],
    data: { agents: AGENTS, mib: MIB, seconds: SECONDS, measured: Object.fromEntries(measured) },
  });
});
