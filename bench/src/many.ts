import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { callUnary, readStream } from '@enjambre/rpc/client';
import { dialer } from '@enjambre/harness/dialer';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { AgentServiceClient, ShareRequest, TransferState } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { TrackerServiceClient } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { cpuSeconds } from './usage.js';

export interface ManyInit {
  /** Numbers of small files, one run each. */
  readonly counts: readonly number[];
  readonly parent: string;
}

/** Cost of an operation on one agent, for all files together. */
interface Effort {
  readonly ms: number;
  readonly cpuSeconds: number;
  /** Bytes written by system calls, to files and sockets. */
  readonly writtenBytes: number;
}

export interface ManyResult {
  readonly files: number;
  /** From the start of the agent's process until agent and tracker list all files of a shared folder. */
  readonly sharedFolder: Effort;
  /** Share calls for the same number of other files, one after the other. */
  readonly shares: Effort;
  /** From the start of the process until all files of both kinds are served. */
  readonly restart: Effort;
  /** RemoveTransfer calls for all shares, one after the other. */
  readonly removals: Effort;
}

const FILE_BYTES = 1 << 10;
const LIMIT_MS = 3_600_000;
const POLL_MS = 100;

/** Very many small files: in a shared folder, shared one by one, at a restart, and removed. */
export async function benchMany({ counts, parent }: ManyInit): Promise<ManyResult[]> {
  const results: ManyResult[] = [];
  for (const files of counts) {
    const swarm = await ProcessSwarm.create({ parent });
    try {
      await swarm.startTracker(['--address-budget', '100']);
      results.push(await oneRun(swarm, files));
    } finally {
      await swarm.stop();
    }
  }
  return results;
}

async function oneRun(swarm: ProcessSwarm, files: number): Promise<ManyResult> {
  const shared = join(swarm.root, 'shared');
  const others = join(swarm.root, 'others');
  await writeFiles(shared, { files, mark: 'shared' });
  const paths = await writeFiles(others, { files, mark: 'other' });
  const start = (): Promise<SwarmAgent> =>
    swarm.startAgent('agent', ['--shared-dir', shared], { listenMs: LIMIT_MS });
  const first = await measureStart(swarm, start, files);
  const infohashes: string[] = [];
  const shares = await measure(first.agent, async (client) => {
    for (const path of paths) infohashes.push(await share(client, path));
  });
  await first.agent.process.kill();
  const again = await measureStart(swarm, start, 2 * files);
  const removals = await measure(again.agent, async (client) => {
    for (const ref of infohashes)
      await callUnary(client.removeTransfer.bind(client), { ref, deleteData: false, force: false });
  });
  return { files, sharedFolder: first.effort, shares, restart: again.effort, removals };
}

/** From the start of the process until the tracker knows all files, and the agent serves them. */
async function measureStart(
  swarm: ProcessSwarm,
  start: () => Promise<SwarmAgent>,
  files: number,
): Promise<{ agent: SwarmAgent; effort: Effort }> {
  const startMs = performance.now();
  const agent = await start();
  const tracker = dialer.client(TrackerServiceClient, swarm.trackerAddress, 'tracker');
  try {
    const isKnown = async (): Promise<boolean> =>
      (await callUnary(tracker.getStats.bind(tracker), {})).fileCount === files;
    await waitFor(isKnown, { what: `${files} files at the tracker`, everyMs: POLL_MS, timeoutMs: LIMIT_MS });
  } finally {
    tracker.close();
  }
  await withAgent(agent, async (client) => {
    const isServed = async (): Promise<boolean> => {
      const { transfers } = await callUnary(client.listTransfers.bind(client), {});
      return transfers.filter(({ state }) => state === TransferState.SEEDING).length === files;
    };
    await waitFor(isServed, { what: `${files} files served`, everyMs: POLL_MS, timeoutMs: LIMIT_MS });
  });
  const ms = performance.now() - startMs;
  const { pid } = agent.process;
  return { agent, effort: { ms, cpuSeconds: cpuSeconds(pid), writtenBytes: writtenBytes(pid) } };
}

async function measure(
  agent: SwarmAgent,
  work: (client: AgentServiceClient) => Promise<void>,
): Promise<Effort> {
  const { pid } = agent.process;
  const before = { ms: performance.now(), cpu: cpuSeconds(pid), written: writtenBytes(pid) };
  await withAgent(agent, work);
  return {
    ms: performance.now() - before.ms,
    cpuSeconds: cpuSeconds(pid) - before.cpu,
    writtenBytes: writtenBytes(pid) - before.written,
  };
}

async function share(client: AgentServiceClient, path: string): Promise<string> {
  const request = { path, name: '', pieceLength: 0, limits: undefined };
  let infohash = '';
  // Read to the end: an HTTP/2 server takes thousands of cancelled streams for an attack, and ends the connection.
  for await (const { result } of readStream(client.share(ShareRequest.fromPartial(request))))
    if (result?.$case === 'shared') infohash = result.value.transfer?.infohash ?? '';
  if (infohash === '') throw new Error(`${path} was not shared`);
  return infohash;
}

/** Returns their paths. */
async function writeFiles(
  folder: string,
  { files, mark }: { readonly files: number; readonly mark: string },
): Promise<string[]> {
  await mkdir(folder);
  const paths = Array.from({ length: files }, (_, index) => join(folder, `${mark}-${index}.bin`));
  for (const path of paths) await writeFile(path, path.padEnd(FILE_BYTES));
  return paths;
}

async function withAgent(
  { dataDir }: SwarmAgent,
  work: (client: AgentServiceClient) => Promise<void>,
): Promise<void> {
  const client = dialer.client(AgentServiceClient, `unix:${dataDir}/agent.sock`, 'agent', {
    'grpc.max_receive_message_length': 64 << 20,
  });
  try {
    await work(client);
  } finally {
    client.close();
  }
}

function writtenBytes(pid: number): number {
  return Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? NaN);
}
