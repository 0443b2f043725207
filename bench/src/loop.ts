import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { progress } from './report.js';

export interface LoopInit {
  /** Number of tiny files in the shared folder. */
  readonly files: number;
  readonly parent: string;
}

/** Stalls of an agent's event loop during a call. */
export interface LoopResult {
  readonly call: string;
  /** Agent "one" shares, "two" downloads. */
  readonly agent: string;
  readonly seconds: number;
  /** Longest stall, in processor time of the loop's thread. */
  readonly longestMs: number;
  /** As {@link longestMs}, in wall time, which on a busy machine includes other processes. */
  readonly longestWallMs: number;
  /** Number of stalls of more than 50 ms of processor time. */
  readonly over50: number;
}

interface Stall {
  readonly atMs: number;
  readonly ms: number;
  readonly cpuMs: number;
}

const PROBE = fileURLToPath(new URL('./loop-probe.js', import.meta.url));
const FOLDERS = 300;
const LIMIT_MS = 60_000;
/** Loading of modules at the start of a process belongs to no call: only `start with it` counts it. */
const SETTLE_MS = 1500;

/** The effect of a share of very many files on the event loops of seeder and downloader. */
export async function benchLoop({ files, parent }: LoopInit): Promise<LoopResult[]> {
  const swarm = await ProcessSwarm.create({ parent });
  try {
    return await run(swarm, files);
  } finally {
    await swarm.stop();
  }
}

async function run(swarm: ProcessSwarm, files: number): Promise<LoopResult[]> {
  const folder = join(swarm.root, 'many');
  await writeFiles(folder, files);
  await swarm.startTracker();
  const one = await startAgent(swarm, 'one');
  const two = await startAgent(swarm, 'two');
  await pause(SETTLE_MS);
  const results: LoopResult[] = [];
  const call = async (agent: SwarmAgent, args: readonly string[], name = args[0] ?? ''): Promise<void> => {
    progress(`${name} on agent ${agent.name}`);
    const fromMs = Date.now();
    const { code, stderr } = await swarm.command(agent, args);
    if (code !== 0) throw new Error(`${name} exited with ${code}: ${stderr}`);
    for (const { name: agentName } of [one, two]) {
      const result = resultOf(name, stallsOf(swarm, agentName), fromMs);
      results.push({ ...result, agent: agentName });
    }
  };
  await call(one, ['share', folder]);
  await call(two, ['get', 'many']);
  await call(two, ['status', 'many']);
  await call(one, ['share', folder], 'share again');
  await call(two, ['rm', 'many', '--data'], 'rm --data');
  await one.process.stop();
  // It reads the metainfo before it listens.
  const fromMs = Date.now();
  const again = await startAgent(swarm, 'one');
  const isSeeding = async (): Promise<boolean> => {
    const { json } = await swarm.command(again, ['ls', '--json']);
    return json.some(({ state }) => state === 'seeding');
  };
  await waitFor(isSeeding, { what: 'the share to be offered again', everyMs: 200, timeoutMs: LIMIT_MS });
  results.push({ ...resultOf('start with it', stallsOf(swarm, 'one'), fromMs), agent: 'one' });
  return results;
}

function startAgent(swarm: ProcessSwarm, name: string): Promise<SwarmAgent> {
  return swarm.startAgent(name, [], {
    env: { NODE_OPTIONS: `--import=${PROBE}`, LOOP_PROBE_FILE: probeFile(swarm, name) },
  });
}

function probeFile(swarm: ProcessSwarm, name: string): string {
  return join(swarm.root, `${name}.stalls`);
}

function stallsOf(swarm: ProcessSwarm, name: string): Stall[] {
  const file = probeFile(swarm, name);
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Stall);
}

function resultOf(call: string, stalls: readonly Stall[], fromMs: number): Omit<LoopResult, 'agent'> {
  const its = stalls.filter(({ atMs }) => atMs >= fromMs);
  return {
    call,
    seconds: (Date.now() - fromMs) / 1000,
    longestMs: its.reduce((most, { cpuMs }) => Math.max(most, cpuMs), 0),
    longestWallMs: its.reduce((most, { ms }) => Math.max(most, ms), 0),
    over50: its.filter(({ cpuMs }) => cpuMs > 50).length,
  };
}

async function writeFiles(folder: string, files: number): Promise<void> {
  for (let index = 0; index < FOLDERS; index++)
    await mkdir(join(folder, `folder-${index}`), { recursive: true });
  for (let index = 0; index < files; index++)
    await writeFile(join(folder, `folder-${index % FOLDERS}`, `file-${index}.txt`), `content of ${index}\n`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
