import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.js';
import { makeContent, makeRoot, needSame, prepare, WARM, warmMemory } from './files.js';
import { progress } from './report.js';
import { startAria2 } from './teams/aria2.js';
import { startEnjambre, startEnjambreWithTls } from './teams/enjambre.js';
import { startLibtorrent } from './teams/libtorrent.js';
import { startNginx } from './teams/nginx.js';
import { HERE, nowMs, type StartTeam, type Team } from './teams/team.js';
import { CpuMeter, peakMiB } from './usage.js';

/** Duration and cost of one download. */
export interface PairSample {
  readonly seconds: number;
  /** Of all processes. */
  readonly cpuSeconds: number;
}

export interface PairResult {
  readonly name: string;
  /** Of the warm-up rounds, which are not counted. */
  readonly warmUps: PairSample[];
  readonly samples: PairSample[];
  /** Largest resident memory of seeder and downloader over all rounds, in MiB. */
  peakMiB: readonly [number, number];
}

const PROGRAMS: Readonly<Record<string, StartTeam>> = {
  enjambre: startEnjambre,
  'enjambre with TLS': startEnjambreWithTls,
  libtorrent: startLibtorrent,
  aria2: startAria2,
  'nginx, curl, sha256sum': startNginx,
};

/** Space for the file, a copy and the file of {@link warmMemory}, with a margin. */
const ROOM = 3.5;

export interface PairInit {
  readonly after: Cleanup;
  readonly bytes: number;
  readonly rounds: number;
  /** Rounds that are not counted: code is compiled and files are opened for the first time. */
  readonly warmUps: number;
  /** Parent of the folder that holds everything. */
  readonly parent: string;
}

/**
 * One seeder to one downloader on this machine, all programs in turn, from and to the same
 * file system. All processes run from the first round to the last; the clock runs from the
 * order until the file is complete and verified under its name.
 */
export async function benchPair({ after, bytes, rounds, warmUps, parent }: PairInit): Promise<PairResult[]> {
  const root = await makeRoot(parent, bytes * ROOM, after);
  const content = await makeContent(root, bytes);
  const teams: { team: Team; result: PairResult }[] = [];
  for (const [name, start] of Object.entries(PROGRAMS)) {
    const folder = join(root, `team-${teams.length}`);
    await mkdir(folder);
    const init = { ...content, after, root: folder, home: HERE, seeder: HERE, downloaders: [HERE] };
    teams.push({ team: await start(init), result: { name, warmUps: [], samples: [], peakMiB: [0, 0] } });
  }
  for (let round = 1; round <= warmUps + rounds; round++) {
    for (const { team, result } of teams) {
      await prepare(content);
      await warmMemory(root, bytes * WARM);
      const sample = await measurePair(team);
      (round <= warmUps ? result.warmUps : result.samples).push(sample);
      const [seeder, downloader] = peaksOf(team);
      result.peakMiB = [Math.max(result.peakMiB[0], seeder), Math.max(result.peakMiB[1], downloader)];
      if (round === 1) await needSame(team.fileOf(0), content);
      await team.forget(0);
      progress(`round ${round}: ${result.name} ${sample.seconds.toFixed(2)} s`);
    }
  }
  return teams.map(({ result }) => result);
}

/** Measures one download of the first downloader. */
export async function measurePair(team: Team): Promise<PairSample> {
  const cpu = new CpuMeter([team.seederPid, ...team.downloaderPids, ...team.otherPids]);
  const startMs = nowMs();
  const seconds = ((await team.get(0)) - startMs) / 1000;
  const cpuSeconds = cpu.total() + (team.shortLived?.cpuSeconds ?? 0);
  return { seconds, cpuSeconds };
}

/** Largest resident memory of seeder and downloader so far, in MiB. */
export function peaksOf(team: Team): readonly [number, number] {
  return [peakMiB(team.seederPid), team.shortLived?.peakMiB ?? Math.max(...team.downloaderPids.map(peakMiB))];
}
