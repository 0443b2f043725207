import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { hashFile, writeRandomFile } from '@enjambre/common/testing/content';
import { ManagedProcess } from '@enjambre/common/testing/managed-process';
import type { Cleanup } from './cleanup.js';
import { progress } from './report.js';
import { startAria2 } from './teams/aria2.js';
import { startEnjambre } from './teams/enjambre.js';
import { makeTorrent, startLibtorrent } from './teams/libtorrent.js';
import { startNginx } from './teams/nginx.js';
import { HERE, nowMs, type StartTeam, type Team } from './teams/team.js';
import { CpuMeter, peakMiB } from './usage.js';

/** One download: how long, and what it cost. */
export interface PairSample {
  readonly seconds: number;
  /** Of all processes. */
  readonly cpuSeconds: number;
}

export interface PairResult {
  readonly name: string;
  readonly samples: PairSample[];
  /** Largest resident memory of seeder and downloader over all rounds, in MiB. */
  peakMiB: readonly [number, number];
}

const PROGRAMS: Readonly<Record<string, StartTeam>> = {
  enjambre: startEnjambre,
  libtorrent: startLibtorrent,
  aria2: startAria2,
  'nginx, curl, sha256sum': startNginx,
};

/** For each program the file and a copy are there at a time; the rest is room to breathe. */
const ROOM = 2.2;

export interface PairInit {
  readonly after: Cleanup;
  readonly bytes: number;
  readonly rounds: number;
  /** Everything is in a folder of its own below this one. */
  readonly parent: string;
}

/**
 * One seeder to one downloader on this machine, all programs in turn, from and to the same
 * file system. All processes run from the first round to the last; the clock runs from the
 * order until the file is complete and verified under its name.
 */
export async function benchPair({ after, bytes, rounds, parent }: PairInit): Promise<PairResult[]> {
  await needRoom(parent, bytes * ROOM);
  const root = await mkdtemp(join(parent, 'enjambre-bench-'));
  after.defer(() => rm(root, { recursive: true, force: true }));
  const source = join(root, 'source', 'model.bin');
  const torrent = join(root, 'model.torrent');
  const sha256 = await writeRandomFile(source, bytes);
  await makeTorrent(source, torrent);
  const teams: { team: Team; result: PairResult }[] = [];
  for (const [name, start] of Object.entries(PROGRAMS)) {
    const folder = join(root, `team-${teams.length}`);
    await mkdir(folder);
    const init = { after, root: folder, source, torrent, home: HERE, seeder: HERE, downloaders: [HERE] };
    teams.push({ team: await start(init), result: { name, samples: [], peakMiB: [0, 0] } });
  }
  for (let round = 1; round <= rounds; round++) {
    for (const { team, result } of teams) {
      await prepare(source, root);
      const sample = await measure(team);
      result.samples.push(sample);
      result.peakMiB = peaksOf(team, result.peakMiB);
      if (round === 1) await needSame(team.fileOf(0), sha256);
      await team.forget(0);
      progress(`round ${round}: ${result.name} ${sample.seconds.toFixed(2)} s`);
    }
  }
  return teams.map(({ result }) => result);
}

async function measure(team: Team): Promise<PairSample> {
  const cpu = new CpuMeter([team.seederPid, ...team.downloaderPids, ...team.otherPids]);
  const startMs = nowMs();
  const seconds = ((await team.get(0)) - startMs) / 1000;
  const cpuSeconds = cpu.total() + (team.shortLived?.cpuSeconds ?? 0);
  return { seconds, cpuSeconds };
}

function peaksOf(team: Team, before: readonly [number, number]): readonly [number, number] {
  const downloader = team.shortLived?.peakMiB ?? Math.max(...team.downloaderPids.map(peakMiB));
  return [Math.max(before[0], peakMiB(team.seederPid)), Math.max(before[1], downloader)];
}

/** Throws if a download is not what was offered. */
async function needSame(path: string, sha256: string): Promise<void> {
  if ((await hashFile(path)) !== sha256) throw new Error(`${path} is not the file that was offered`);
}

/** The same start for all: the source is in the page cache, nothing waits to be written. */
async function prepare(source: string, folder: string): Promise<void> {
  await finished(createReadStream(source, { highWaterMark: 1 << 20 }).resume());
  const sync = new ManagedProcess('sync', ['-f', folder]);
  if ((await sync.wait()) !== 0) throw new Error(`sync failed: ${sync.stderr.join('\n')}`);
}

/** Throws if a file system has less than `bytes` left. */
async function needRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const [free, needed] = [bavail * bsize, bytes].map((size) => Math.ceil(size / (1 << 20)));
  if (bavail * bsize < bytes)
    throw new Error(`${folder} has ${free ?? 0} MiB left, ${needed ?? 0} are needed`);
}
