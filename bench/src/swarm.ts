import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Cleanup } from './cleanup.js';
import { needSame, prepare, warmMemory, type Content } from './files.js';
import type { Lab } from './lab.js';
import { mean } from './statistics.js';
import { nowMs, type StartTeam, type Team } from './teams/team.js';
import { CpuMeter, peakMiB } from './usage.js';

export const SWARM_SETTINGS = ['equal', 'slow-seeder', 'late', 'churn'] as const;
export type SwarmSetting = (typeof SWARM_SETTINGS)[number];

/** In slow-seeder, the rate of the seeder's link relative to the others. */
export const SLOW = 1 / 4;
/** In churn, the share of downloaders that are killed. */
const KILLED = 1 / 4;
const HALF_WAY_TIMEOUT_MS = 600_000;

/** One distribution to all downloaders. */
export interface SwarmSample {
  /** From the order to completion, verified, for each downloader that was not killed. */
  readonly seconds: readonly number[];
  /** The longest and the mean of these times, divided by the floor. */
  readonly last: number;
  readonly mean: number;
  /** Bytes that the seeder sent, by its link's counter (with headers) and by its own, divided by the file's size. */
  readonly seederSent: number;
  readonly seederSaid?: number;
  /** Of all processes. */
  readonly cpuSeconds: number;
  /** Largest resident memory of the seeder and of any downloader. */
  readonly peakMiB: readonly [number, number];
}

export interface SwarmRun {
  readonly lab: Lab;
  readonly content: Content;
  readonly setting: SwarmSetting;
  /** Lower bound for any program, in seconds from a downloader's order. */
  readonly floorSeconds: number;
  readonly start: StartTeam;
  /** A name for its folder. */
  readonly name: string;
  /** Compare the files with the original. */
  readonly check: boolean;
}

/**
 * Starts a program's processes on all hosts of a lab, distributes the file, and stops
 * the processes. Halfway is measured by the counters of the links, alike for every program.
 */
export async function runSwarm(run: SwarmRun, after: Cleanup): Promise<SwarmSample> {
  const { lab, content } = run;
  const root = join(content.root, run.name);
  await mkdir(root);
  const [seeder, ...downloaders] = lab.hosts;
  if (!seeder) throw new Error('a lab without hosts');
  const team = await run.start({ ...content, after, root, home: lab.home, seeder, downloaders });
  await prepare(content);
  await warmMemory(content.root, content.bytes * downloaders.length);
  const sample = await distribute(team, run);
  if (run.check) {
    for (const index of sample.finished) await needSame(team.fileOf(index), content);
  }
  return sample;
}

async function distribute(team: Team, run: SwarmRun): Promise<SwarmSample & { finished: readonly number[] }> {
  const { lab, content, setting, floorSeconds } = run;
  const all = team.downloaderPids.map((_, index) => index);
  const cpu = new CpuMeter([team.seederPid, ...team.downloaderPids, ...team.otherPids]);
  const sentBefore = lab.sentBytes(0);
  const before = all.map((index) => lab.receivedBytes(index + 1));
  const halfWay = (indices: readonly number[]): Promise<boolean> => {
    const received = (index: number): number => lab.receivedBytes(index + 1) - (before[index] ?? 0);
    const reached = (): boolean => mean(indices.map(received)) >= content.bytes / 2;
    return waitFor(reached, { what: 'half of the file', timeoutMs: HALF_WAY_TIMEOUT_MS });
  };
  const get = async (index: number): Promise<number> => {
    const orderedMs = nowMs();
    return ((await team.get(index)) - orderedMs) / 1000;
  };
  const { seconds, finished } = await SCENARIOS[setting]({ team, all, get, halfWay, cpu });
  const sent = lab.sentBytes(0) - sentBefore;
  const said = await team.sentBytes?.();
  return {
    seconds,
    finished,
    last: Math.max(...seconds) / floorSeconds,
    mean: mean(seconds) / floorSeconds,
    seederSent: sent / content.bytes,
    ...(said === undefined ? {} : { seederSaid: said / content.bytes }),
    cpuSeconds: cpu.total(),
    peakMiB: [
      peakMiB(team.seederPid),
      Math.max(...finished.map((index) => peakMiB(team.downloaderPids[index] ?? 0))),
    ],
  };
}

interface Scene {
  readonly team: Team;
  readonly all: readonly number[];
  /** Orders a download. Returns its duration in seconds. */
  readonly get: (index: number) => Promise<number>;
  /** Resolves when these have half of the file, on average. */
  readonly halfWay: (indices: readonly number[]) => Promise<boolean>;
  readonly cpu: CpuMeter;
}

interface Outcome {
  /** The downloaders that have the file, with their times. */
  readonly finished: readonly number[];
  readonly seconds: readonly number[];
}

const SCENARIOS: Readonly<Record<SwarmSetting, (scene: Scene) => Promise<Outcome>>> = {
  equal: together,
  'slow-seeder': together,
  late: joinLate,
  churn: dieHalfWay,
};

async function together({ all, get }: Scene): Promise<Outcome> {
  return { finished: all, seconds: await Promise.all(all.map(get)) };
}

async function joinLate({ all, get, halfWay }: Scene): Promise<Outcome> {
  const first = all.slice(0, Math.ceil(all.length / 2));
  const late = async (): Promise<number[]> => {
    await halfWay(first);
    return Promise.all(all.slice(first.length).map(get));
  };
  const seconds = await Promise.all([Promise.all(first.map(get)), late()]);
  return { finished: all, seconds: seconds.flat() };
}

async function dieHalfWay({ team, all, get, halfWay, cpu }: Scene): Promise<Outcome> {
  const survivors = all.slice(0, all.length - Math.floor(all.length * KILLED));
  const victims = all.slice(survivors.length);
  // The command of a killed downloader fails, as expected.
  for (const victim of victims) void get(victim).catch(() => undefined);
  const kill = async (): Promise<void> => {
    await halfWay(all);
    for (const victim of victims) cpu.beforeEnd(team.downloaderPids[victim] ?? 0);
    await Promise.all(victims.map((victim) => team.kill(victim)));
  };
  const [seconds] = await Promise.all([Promise.all(survivors.map(get)), kill()]);
  return { finished: survivors, seconds };
}
