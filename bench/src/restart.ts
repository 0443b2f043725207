import { readFileSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { callUnary, readStream } from '@enjambre/rpc/client';
import { dialer } from '@enjambre/harness/dialer';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import {
  AgentServiceClient,
  DownloadRequest,
  ShareRequest,
  TransferState,
  type Transfer,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { cpuSeconds } from './usage.js';

export interface RestartInit {
  readonly shares: number;
  /** Bytes of each share. The files are sparse: they take no space. */
  readonly bytes: number;
  /** Bytes per piece; 0 lets the agent choose. @default 0 */
  readonly pieceLength?: number;
  readonly rounds: number;
}

/** One start of an agent with shares. Times are measured from the start of its process. */
export interface Restart {
  readonly listeningMs: number;
  /** Until all shares are served. */
  readonly seedingMs: number;
  /** Until another agent has a verified piece of the last share. */
  readonly fetchedMs: number;
  /** CPU of the agent until all shares are served. */
  readonly cpuSeconds: number;
  /** Bytes that the process has read until then, its program included: shows that nothing was hashed again. */
  readonly readBytes: number;
}

export interface RestartResult {
  /** Number of shares before it was stopped. */
  readonly shares: number;
  /** After an orderly stop. */
  readonly stopped: readonly Restart[];
  /** After kill -9. */
  readonly killed: readonly Restart[];
}

const LIMIT_MS = 600_000;
const SHARES_AT_ONCE = 2;

/** Shares many sparse files, ends the agent alternately by SIGTERM and kill -9, and starts it again. */
export async function benchRestart(init: RestartInit): Promise<RestartResult> {
  const swarm = await ProcessSwarm.create();
  try {
    await swarm.startTracker(['--address-budget', '100']);
    const downloader = await swarm.startAgent('downloader');
    let seeder = await swarm.startAgent('seeder');
    const infohashes = await shareSparse(swarm, seeder, init);
    const stopped: Restart[] = [];
    const killed: Restart[] = [];
    for (let round = 0; round < init.rounds; round++) {
      for (const restarts of [stopped, killed]) {
        await (restarts === stopped ? seeder.process.stop() : seeder.process.kill());
        const restart = await restartAgent(swarm, downloader, infohashes);
        ({ seeder } = restart);
        restarts.push(restart.figures);
      }
    }
    return { shares: infohashes.length, stopped, killed };
  } finally {
    await swarm.stop();
  }
}

async function restartAgent(
  swarm: ProcessSwarm,
  downloader: SwarmAgent,
  infohashes: readonly string[],
): Promise<{ seeder: SwarmAgent; figures: Restart }> {
  const startMs = performance.now();
  const elapsed = (): number => performance.now() - startMs;
  const seeder = await swarm.startAgent('seeder');
  const listeningMs = elapsed();
  await withAgent(seeder, (client) => untilSeeding(client, infohashes.length));
  const seedingMs = elapsed();
  const { pid } = seeder.process;
  const figures = { listeningMs, seedingMs, cpuSeconds: cpuSeconds(pid), readBytes: bytesRead(pid) };
  await withAgent(downloader, (client) => fetchOnePiece(client, infohashes.at(-1) ?? ''));
  return { seeder, figures: { ...figures, fetchedMs: elapsed() } };
}

async function untilSeeding(client: AgentServiceClient, shares: number): Promise<void> {
  const listTransfers = client.listTransfers.bind(client);
  const ask = async (): Promise<boolean> => {
    const { transfers } = await callUnary(listTransfers, {});
    const failed = transfers.find(({ state }) => state === TransferState.FAILED);
    if (failed) throw new Error(`${failed.name} failed: ${failed.message}`);
    return transfers.length === shares && transfers.every(({ state }) => state === TransferState.SEEDING);
  };
  await waitFor(ask, { what: 'all to be served again', everyMs: 5, timeoutMs: LIMIT_MS });
}

/** Downloads until one piece is verified, then removes the download. */
async function fetchOnePiece(client: AgentServiceClient, ref: string): Promise<void> {
  const source = { $case: 'ref', value: ref } as const;
  // The tracker may not have it yet.
  const isKnown = (): Promise<boolean> =>
    callUnary(client.download.bind(client), DownloadRequest.fromPartial({ source })).then(
      () => true,
      (error: unknown) => {
        if (reasonOf(error) !== 'UNKNOWN_REF') throw error;
        return false;
      },
    );
  await waitFor(isKnown, { what: 'the last one to be known', everyMs: 5, timeoutMs: LIMIT_MS });
  const hasPiece = async (): Promise<boolean> => {
    const { transfer } = await callUnary(client.getTransfer.bind(client), { ref });
    return (transfer?.donePieceCount ?? 0) > 0;
  };
  await waitFor(hasPiece, { what: 'a piece of the last one', everyMs: 5, timeoutMs: LIMIT_MS });
  await callUnary(client.removeTransfer.bind(client), { ref, deleteData: true, force: false });
}

function reasonOf(error: unknown): unknown {
  return error instanceof Error && 'reason' in error ? error.reason : undefined;
}

/** Returns the infohashes, in the order of the names. */
async function shareSparse(
  swarm: ProcessSwarm,
  seeder: SwarmAgent,
  { shares, bytes, pieceLength = 0 }: RestartInit,
): Promise<string[]> {
  const folder = join(swarm.root, 'originals');
  await mkdir(folder);
  const infohashes: string[] = [];
  const indexes = Array.from({ length: shares }, (_, index) => index).values();
  await withAgent(seeder, async (client) => {
    const shareSome = async (): Promise<void> => {
      for (const index of indexes) {
        const path = join(folder, `share-${String(index).padStart(5, '0')}.bin`);
        await makeSparse(path, bytes);
        infohashes[index] = (await share(client, path, pieceLength)).infohash;
      }
    };
    await Promise.all(Array.from({ length: SHARES_AT_ONCE }, shareSome));
  });
  return infohashes;
}

async function share(client: AgentServiceClient, path: string, pieceLength: number): Promise<Transfer> {
  for await (const { result } of readStream(client.share(ShareRequest.fromPartial({ path, pieceLength })))) {
    if (result?.$case === 'shared' && result.value.transfer) return result.value.transfer;
  }
  throw new Error(`${path} was not shared`);
}

async function makeSparse(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.truncate(bytes);
  } finally {
    await file.close();
  }
}

async function withAgent<T>(
  { dataDir }: SwarmAgent,
  work: (client: AgentServiceClient) => Promise<T>,
): Promise<T> {
  const client = dialer.client(AgentServiceClient, `unix:${dataDir}/agent.sock`, 'agent', {
    'grpc.max_receive_message_length': 64 << 20,
  });
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** Bytes that a process has read by system calls, cached or not. */
function bytesRead(pid: number): number {
  return Number(/rchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? Infinity);
}
