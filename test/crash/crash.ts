import { createHash } from 'node:crypto';
import { open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hashFile, writeRandomFile } from '@enjambre/harness/content';
import { finish, ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { openLink, startBehind } from '../e2e/support/sharing.js';

export interface CrashSize {
  /** Total number of kills, each during a download, several in one download. */
  readonly kills: number;
  readonly fileBytes: number;
  /** Rate of the seeder's link, so that kills hit active downloads on a fast machine, too. @default unlimited */
  readonly bytesPerSecond?: number | undefined;
  /** Seed of the moments of the kills. */
  readonly seed: number;
}

export interface CrashFigures extends CrashSize {
  readonly downloads: number;
  /** Kills before the file had its name. */
  readonly killsMidway: number;
  /** Downloads whose file differed from the original in the end. */
  readonly wrongFiles: number;
  /** Pieces claimed by a bitfield after a kill that were not on disk. */
  readonly falseClaims: number;
  readonly claimsChecked: number;
  /** Bytes that the seeder sent beyond one copy, per kill of that download: median and maximum. */
  readonly repeatedMiBMedian: number;
  readonly repeatedMiBMost: number;
  readonly seconds: number;
}

const MIB = 1 << 20;
const CHECKSUM_BYTES = 32;
/** Delay of a kill after the download resumes, minimum and maximum. */
const KILL_AFTER_MS = { least: 30, most: 900 };
const KILLS_A_DOWNLOAD = 4;
const FILE = 'crash.bin';

/**
 * Kills an agent with SIGKILL at random moments of downloads, starts it again, and checks:
 * is every piece that its bitfield claims on disk, is the file correct in the end, and
 * how much was fetched twice?
 */
export async function crash(size: CrashSize): Promise<CrashFigures> {
  const swarm = await ProcessSwarm.create();
  const startedMs = performance.now();
  const random = numbersFrom(size.seed);
  const figures = { downloads: 0, killsMidway: 0, wrongFiles: 0, falseClaims: 0, claimsChecked: 0 };
  const repeated: number[] = [];
  try {
    await swarm.startTracker();
    const { bytesPerSecond } = size;
    const seeder =
      bytesPerSecond === undefined
        ? await swarm.startAgent('seeder')
        : await startBehind(swarm, await openLink(swarm, bytesPerSecond), 'seeder');
    const original = join(swarm.root, 'original', FILE);
    const sha256 = await writeRandomFile(original, size.fileBytes);
    const shared = await swarm.command(seeder, ['share', original, '--json']);
    const infohash = String(shared.json.at(-1)?.['infohash']);
    for (let killed = 0; killed < size.kills;) {
      const sentBefore = await sentBy(swarm, seeder, infohash);
      const kills = Math.min(KILLS_A_DOWNLOAD, size.kills - killed);
      let victim = await swarm.startAgent('victim');
      await swarm.command(victim, ['get', infohash, '--detach']);
      for (let kill = 0; kill < kills; kill++) {
        await delay(KILL_AFTER_MS.least + random() * (KILL_AFTER_MS.most - KILL_AFTER_MS.least));
        await victim.process.kill();
        const { claimed, wrong, midway } = await checkClaims(victim, infohash, original);
        if (midway) figures.killsMidway += 1;
        figures.claimsChecked += claimed;
        figures.falseClaims += wrong;
        victim = await swarm.startAgent('victim');
      }
      killed += kills;
      const { code, stderr } = await finish(swarm.start(victim, ['get', infohash, '--timeout', '120']));
      if (code !== 0) throw new Error(`a download did not complete: ${stderr}`);
      figures.downloads += 1;
      if ((await hashFile(join(victim.downloadDir, FILE))) !== sha256) figures.wrongFiles += 1;
      const sent = (await sentBy(swarm, seeder, infohash)) - sentBefore;
      repeated.push((sent - size.fileBytes) / MIB / kills);
      await victim.process.stop();
      await rm(victim.dataDir, { recursive: true });
      await rm(victim.downloadDir, { recursive: true });
    }
  } finally {
    await swarm.stop();
  }
  repeated.sort((a, b) => a - b);
  return {
    ...size,
    ...figures,
    repeatedMiBMedian: rounded(repeated[Math.floor(repeated.length / 2)] ?? 0),
    repeatedMiBMost: rounded(repeated.at(-1) ?? 0),
    seconds: rounded((performance.now() - startedMs) / 1000),
  };
}

async function sentBy(swarm: ProcessSwarm, seeder: SwarmAgent, infohash: string): Promise<number> {
  const { json } = await swarm.command(seeder, ['status', infohash, '--json']);
  return Number(json.at(-1)?.['uploaded_bytes']);
}

/** Compares the bytes of each piece that the bitfield claims with the original, wherever the download is now. */
async function checkClaims(
  victim: SwarmAgent,
  infohash: string,
  original: string,
): Promise<{ claimed: number; wrong: number; midway: boolean }> {
  const path = await pathOf(victim);
  const midway = path?.includes('.incomplete') ?? true;
  const saved = await readFile(join(victim.dataDir, 'transfers', `${infohash}.bitfield`)).catch(
    () => undefined,
  );
  if (!saved) return { claimed: 0, wrong: 0, midway };
  const bits = saved.subarray(0, saved.length - CHECKSUM_BYTES);
  if (!createHash('sha256').update(bits).digest().equals(saved.subarray(bits.length)))
    throw new Error('a bitfield is torn');
  const pieces = [...bits.entries()].flatMap(([byte, value]) =>
    Array.from({ length: 8 }, (_, bit) => 8 * byte + bit).filter((piece) => (value >> (7 - (piece % 8))) & 1),
  );
  const [copy, truth] = await Promise.all([
    path === undefined ? Buffer.alloc(0) : readFile(path),
    readFile(original),
  ]);
  const pieceLength = await pieceLengthOf(victim, infohash);
  const isWrong = (piece: number): boolean => {
    const [from, to] = [piece * pieceLength, Math.min((piece + 1) * pieceLength, truth.length)];
    return !copy.subarray(from, to).equals(truth.subarray(from, to));
  };
  return { claimed: pieces.length, wrong: pieces.filter(isWrong).length, midway };
}

/** Path of the file under its name, or where it is assembled; undefined before its first byte. */
async function pathOf({ downloadDir }: SwarmAgent): Promise<string | undefined> {
  const entries = await readdir(downloadDir, { recursive: true, withFileTypes: true });
  // A kill during the rehearsal leaves a folder of that name in its probe.
  const found = entries.find((entry) => entry.isFile() && entry.name === FILE);
  return found && join(found.parentPath, found.name);
}

/** Read from the metainfo that the agent stores: a bencoded integer after its key. */
async function pieceLengthOf({ dataDir }: SwarmAgent, infohash: string): Promise<number> {
  const file = await open(join(dataDir, 'transfers', `${infohash}.torrent`));
  try {
    const [, digits] = /12:piece lengthi(\d+)e/.exec((await file.readFile()).toString('latin1')) ?? [];
    return Number(digits);
  } finally {
    await file.close();
  }
}

/** Uniform in [0, 1): mulberry32. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function rounded(number: number): number {
  return Math.round(number * 10) / 10;
}
