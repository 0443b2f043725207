import { join } from 'node:path';
import { hashFile, writeRandomFile } from '@enjambre/harness/content';
import type { ManagedProcess } from '@enjambre/harness/managed-process';
import type { ProcessSwarm, SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { lastLine } from './outcome.js';
import { SlowLink } from './slow-link.js';

export const KIB = 1 << 10;
export const MIB = 1 << 20;

/** A file that was created and shared. */
export interface SharedFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly infohash: string;
  readonly magnet: string;
}

/** Output of `status --json`. */
export interface Status {
  readonly state: string;
  readonly reason?: string;
  readonly message?: string;
  readonly path: string;
  readonly done_bytes: number;
  readonly size_bytes: number;
  readonly downloaded_bytes: number;
  readonly uploaded_bytes: number;
  readonly peers: readonly { readonly name: string; readonly connected: boolean }[];
}

/** Creates a file of random bytes that all `seeders` share, from the same path. */
export async function shareFile(
  swarm: ProcessSwarm,
  seeders: readonly SwarmAgent[],
  file: { readonly name: string; readonly bytes: number; readonly folder?: string },
): Promise<SharedFile> {
  const path = join(swarm.root, file.folder ?? 'originals', file.name);
  const sha256 = await writeRandomFile(path, file.bytes);
  const results = await Promise.all(
    seeders.map((seeder) => swarm.command(seeder, ['share', path, '--json'])),
  );
  const [line] = results.map(lastLine);
  return { ...file, path, sha256, infohash: String(line?.['infohash']), magnet: String(line?.['magnet']) };
}

/** Starts or restarts an agent that sends every byte through `link`. */
export async function startBehind(swarm: ProcessSwarm, link: SlowLink, name: string): Promise<SwarmAgent> {
  const agent = await swarm.startAgent(name, ['--advertise', link.address]);
  link.leadTo(agent.address);
  return agent;
}

/** A link that stops with the swarm. */
export async function openLink(swarm: ProcessSwarm, bytesPerSecond: number): Promise<SlowLink> {
  return swarm.add(await SlowLink.open(bytesPerSecond));
}

export async function statusOf(swarm: ProcessSwarm, agent: SwarmAgent, ref: string): Promise<Status> {
  return lastLine(await swarm.command(agent, ['status', ref, '--json'])) as unknown as Status;
}

/** Polls the status until `is` is true, and returns it. */
export function untilStatus(
  swarm: ProcessSwarm,
  agent: SwarmAgent,
  {
    ref,
    is,
    what,
  }: { readonly ref: string; readonly is: (status: Status) => boolean; readonly what: string },
): Promise<Status> {
  let last: Status | undefined;
  return waitFor(
    async () => {
      last = await statusOf(swarm, agent, ref);
      return is(last) && last;
    },
    { what: `${agent.name}: ${what}`, timeoutMs: 30_000, everyMs: 200 },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; the last status was ${JSON.stringify(last)}`, { cause: error });
  });
}

/** Verified bytes reported so far by a running `get --json`. */
export function doneBytes(get: ManagedProcess): number {
  const line = JSON.parse(get.stdout.at(-1) ?? '{}') as { done_bytes?: number };
  return line.done_bytes ?? 0;
}

/** Waits until a running `get --json` has reported this number of bytes, and returns the reported number. */
export function untilDone(get: ManagedProcess, bytes: number): Promise<number> {
  return waitFor(
    () => {
      const done = doneBytes(get);
      if (!get.isRunning)
        throw new Error(
          `the download ended too early: ${[...get.stdout, ...get.stderr].slice(-3).join('\n')}`,
        );
      return done >= bytes && done;
    },
    { what: `${bytes} bytes`, timeoutMs: 30_000 },
  );
}

/** True if the agent's copy exists under its name and equals the original. */
export async function hasCopy(agent: SwarmAgent, { name, sha256 }: SharedFile): Promise<boolean> {
  return (await hashFile(join(agent.downloadDir, name))) === sha256;
}
