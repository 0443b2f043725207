import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { writeRandomFile } from '@enjambre/common/testing/content';
import { ManagedProcess } from '@enjambre/common/testing/managed-process';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/common/testing/swarm';
import { cpuSeconds, peakMiB } from './cpu.js';

/** One download: how long, and what it cost. */
export interface Sample {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

export interface PairResult {
  readonly bytes: number;
  readonly enjambre: readonly Sample[];
  /** `curl` from an HTTP server in this process, followed by `sha256sum`: copy and verify, nothing else. */
  readonly curl: readonly Sample[];
  /** Largest resident memory of the seeder and of the downloader, in MiB. */
  readonly peakMiB: readonly [number, number];
}

/**
 * One seeder to one downloader on this machine, in turn with curl and sha256sum of the
 * same file into the same folder. Agents run already when the clock starts.
 */
export async function benchPair({ bytes, rounds }: { bytes: number; rounds: number }): Promise<PairResult> {
  const swarm = await ProcessSwarm.create();
  const source = join(swarm.root, 'source.bin');
  const server = await serveFile(source);
  try {
    await writeRandomFile(source, bytes);
    await swarm.startTracker();
    const seeder = await swarm.startAgent('seeder');
    const downloader = await swarm.startAgent('downloader');
    const shared = await swarm.command(seeder, ['share', source, '--json']);
    if (shared.code !== 0) throw new Error(shared.stderr);
    const enjambre: Sample[] = [];
    const curl: Sample[] = [];
    for (let round = 0; round < rounds; round++) {
      enjambre.push(await timeEnjambre(swarm, seeder, downloader));
      curl.push(await timeCurl(server, join(swarm.root, 'copy.bin')));
    }
    const peaks = [peakMiB(seeder.process.pid), peakMiB(downloader.process.pid)] as const;
    return { bytes, enjambre, curl, peakMiB: peaks };
  } finally {
    server.close();
    await swarm.stop();
  }
}

async function timeEnjambre(
  swarm: ProcessSwarm,
  seeder: SwarmAgent,
  downloader: SwarmAgent,
): Promise<Sample> {
  const cpu = (): number => cpuSeconds(seeder.process.pid) + cpuSeconds(downloader.process.pid);
  const before = cpu();
  const { code, json, stderr } = await swarm.command(downloader, ['get', 'source.bin', '--json']);
  if (code !== 0) throw new Error(stderr);
  const sample = { seconds: Number(json.at(-1)?.['seconds']), cpuSeconds: cpu() - before };
  await swarm.command(downloader, ['rm', 'source.bin', '--data']);
  return sample;
}

async function timeCurl(server: Server, copy: string): Promise<Sample> {
  const { port } = server.address() as AddressInfo;
  const script = `curl -sf -o '${copy}' http://127.0.0.1:${port}/ && sha256sum '${copy}' && times`;
  const before = process.cpuUsage();
  const startMs = performance.now();
  const child = new ManagedProcess('bash', ['-c', script]);
  if ((await child.wait()) !== 0) throw new Error(`curl failed: ${child.stderr.join('\n')}`);
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(before);
  await rm(copy);
  return { seconds, cpuSeconds: childSeconds(child.stdout) + (user + system) / 1e6 };
}

/** Adds up what bash's `times` prints of its children: "0m0.123s 0m0.456s". */
function childSeconds(lines: readonly string[]): number {
  const times = [...(lines.at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  return times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}

async function serveFile(path: string): Promise<Server> {
  const server = createServer((_, response) => {
    stat(path).then(
      ({ size }) => {
        response.writeHead(200, { 'content-length': size });
        createReadStream(path, { highWaterMark: 1 << 20 }).pipe(response);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
