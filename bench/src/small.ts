import { mkdir, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import type { Cleanup } from './cleanup.js';
import { AgentControl } from './teams/agent-control.js';
import { nowMs } from './teams/team.js';
import { CpuMeter, peakMiB, resetPeak } from './usage.js';

/** Small content that is downloaded repeatedly. */
export interface SmallContent {
  readonly name: string;
  readonly files: number;
  readonly bytesEach: number;
  /** Downloads per round. */
  readonly repeats: number;
}

/** All samples, in milliseconds. */
interface SmallResult {
  readonly content: SmallContent;
  /** From the call of Download until the control API reports completion. */
  readonly apiMs: number[];
  /** The whole command `enjambre get`, with start and end of its process. */
  readonly commandMs: number[];
  /** CPU of both agents and the tracker for one download by the API. */
  readonly cpuMs: number[];
  /** Largest resident memory of seeder and downloader during the downloads. */
  peakMiB: readonly [seeder: number, downloader: number];
}

export interface SmallSummary {
  readonly results: readonly SmallResult[];
  /** `enjambre --version`: the time of a command that does nothing. */
  readonly startMs: readonly number[];
}

export interface SmallInit {
  readonly contents: readonly SmallContent[];
  readonly rounds: number;
  readonly parent: string;
  readonly after: Cleanup;
}

/** Small downloads between two running agents on this machine; each download is deleted afterwards. */
export async function benchSmall({ contents, rounds, parent, after }: SmallInit): Promise<SmallSummary> {
  const swarm = await ProcessSwarm.create({ parent });
  after.defer(() => swarm.stop());
  const tracker = await swarm.startTracker();
  const seeder = await swarm.startAgent('seeder');
  const downloader = await swarm.startAgent('downloader');
  const control = new AgentControl(downloader.dataDir);
  after.defer(() => {
    control.close();
  });
  await control.ready();
  const agents = [seeder.process.pid, downloader.process.pid];
  const pids = [tracker.pid, ...agents];
  const runs: { result: SmallResult; infohash: string }[] = [];
  for (const content of contents) {
    const infohash = await share(swarm, seeder, content);
    runs.push({ result: { content, apiMs: [], commandMs: [], cpuMs: [], peakMiB: [0, 0] }, infohash });
  }
  const startMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const { result, infohash } of runs) {
      for (const pid of agents) resetPeak(pid);
      for (let repeat = 0; repeat < result.content.repeats; repeat++) {
        const cpu = new CpuMeter(pids);
        const orderedMs = nowMs();
        result.apiMs.push((await control.get(infohash)) - orderedMs);
        result.cpuMs.push(cpu.total() * 1000);
        await control.remove(infohash);
        result.commandMs.push(await timeOf(swarm, downloader, ['get', infohash, '--json']));
        await control.remove(infohash);
      }
      const [seederMiB, downloaderMiB] = result.peakMiB;
      result.peakMiB = [
        Math.max(seederMiB, peakMiB(seeder.process.pid)),
        Math.max(downloaderMiB, peakMiB(downloader.process.pid)),
      ];
    }
    startMs.push(await timeOf(swarm, downloader, ['--version']));
  }
  return { results: runs.map(({ result }) => result), startMs };
}

async function share(swarm: ProcessSwarm, seeder: SwarmAgent, content: SmallContent): Promise<string> {
  const path = join(swarm.root, content.name);
  if (content.files === 1) await writeFile(path, randomBytes(content.bytesEach));
  else {
    await mkdir(path);
    for (let file = 0; file < content.files; file++) {
      await writeFile(join(path, `${file}.bin`), randomBytes(content.bytesEach));
    }
  }
  const { code, stderr, json } = await swarm.command(seeder, ['share', path, '--json']);
  const infohash = json.at(-1)?.['infohash'];
  if (code !== 0 || typeof infohash !== 'string') throw new Error(`share failed: ${stderr}`);
  return infohash;
}

async function timeOf(swarm: ProcessSwarm, agent: SwarmAgent, args: readonly string[]): Promise<number> {
  const startMs = performance.now();
  const { code, stderr } = await swarm.command(agent, args);
  if (code !== 0) throw new Error(`enjambre ${args.join(' ')} failed: ${stderr}`);
  return performance.now() - startMs;
}
