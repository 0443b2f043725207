import { join } from 'node:path';
import { writeRandomFile } from '@enjambre/harness/content';
import { NatsServer } from '@enjambre/harness/nats-server';
import { ServiceProcess } from '@enjambre/harness/service-process';
import { ProcessSwarm } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { BusyAgent, type Original } from './busy-agent.js';

export interface RollingSize {
  /** Number of trackers of one network; with one, agents have none during its restart. */
  readonly trackers: number;
  readonly downloaders: number;
  readonly files: number;
  readonly fileBytes: number;
  /** Upload limit of the seeder in bytes per second, so that restarts hit active downloads. */
  readonly bytesPerSecond: number;
  /** In each round every service is restarted once in each way. */
  readonly rounds: number;
}

export interface RollingFigures extends RollingSize {
  readonly seconds: number;
  readonly restarts: number;
  /** Restarts during at least one active download. */
  readonly restartsInDownloads: number;
  /** Exit codes of services that were stopped in order. */
  readonly exitCodes: readonly number[];
  readonly downloads: number;
  readonly failedDownloads: readonly string[];
  readonly wrongFiles: number;
  readonly messages: number;
  readonly retries: number;
  readonly missing: number;
  readonly doubled: number;
  readonly outOfOrder: number;
}

const TIMEOUT_MS = 60_000;

interface Scene {
  readonly size: RollingSize;
  readonly services: readonly ServiceProcess[];
  readonly agents: readonly BusyAgent[];
}

/**
 * Lets agents download and chat without a pause while each tracker and the messaging service is restarted,
 * one after the other, by SIGTERM and then by kill -9, and counts the results.
 */
export async function rolling(size: RollingSize): Promise<RollingFigures> {
  const swarm = await ProcessSwarm.create();
  const agents: BusyAgent[] = [];
  try {
    const nats = swarm.add(await NatsServer.start());
    const args = ['--nats', nats.url];
    const trackers = [...Array(size.trackers).keys()].map(
      () => new ServiceProcess(swarm, { kind: 'tracker', args }),
    );
    const messaging = new ServiceProcess(swarm, {
      kind: 'messaging',
      args: [...args, '--address-budget', '100'],
    });
    const services = [...trackers, messaging];
    for (const service of services) await service.start();
    const network = [
      ...['--tracker', trackers.map(({ address }) => address).join(',')],
      ...['--messaging', messaging.address],
    ];
    const start = async (name: string, args: readonly string[] = []): Promise<BusyAgent> => {
      const busy = new BusyAgent(await swarm.startAgent(name, [...network, ...args]));
      agents.push(busy);
      return busy;
    };
    const seeder = await start('seeder', ['--max-upload', String(size.bytesPerSecond)]);
    for (let number = 1; number <= size.downloaders; number++) await start(`agent-${number}`);
    const originals = await shareAll(seeder, { size, folder: join(swarm.root, 'originals') });
    return await roll({ size, services, agents }, originals);
  } finally {
    for (const agent of agents) agent.close();
    await swarm.stop();
  }
}

async function shareAll(
  seeder: BusyAgent,
  { size, folder }: { size: RollingSize; folder: string },
): Promise<Original[]> {
  const originals: Original[] = [];
  for (let number = 0; number < size.files; number++) {
    const path = join(folder, `file-${number}.bin`);
    const sha256 = await writeRandomFile(path, size.fileBytes);
    originals.push({ shared: await seeder.share(path), sha256 });
  }
  return originals;
}

async function roll(scene: Scene, originals: readonly Original[]): Promise<RollingFigures> {
  const { size, agents } = scene;
  const beganAt = performance.now();
  await allConnected(scene);
  const ids = await Promise.all(agents.map(async (agent) => (await agent.info()).peerId));
  const over = new AbortController();
  const busy = agents.flatMap((agent, at) => [
    agent.keepChatting(ids[(at + 1) % ids.length] ?? '', over.signal),
    ...(at === 0 ? [] : [agent.keepDownloading(originals, over.signal)]),
  ]);
  const restarts = { count: 0, inDownloads: 0, exitCodes: [] as number[] };
  try {
    await Promise.race([Promise.all(busy), restartAll(scene, restarts)]);
  } finally {
    over.abort();
  }
  await Promise.all(busy);
  const messages = agents.flatMap(({ sent }) => sent);
  const chat = await judgeChat(agents);
  return {
    ...size,
    seconds: (performance.now() - beganAt) / 1000,
    restarts: restarts.count,
    restartsInDownloads: restarts.inDownloads,
    exitCodes: restarts.exitCodes,
    downloads: agents.reduce((sum, { downloads }) => sum + downloads.done, 0),
    failedDownloads: agents.flatMap(({ downloads }) => downloads.failed),
    wrongFiles: agents.reduce((sum, { downloads }) => sum + downloads.wrong, 0),
    messages: messages.length,
    retries: agents.reduce((sum, { retries }) => sum + retries, 0),
    ...chat,
  };
}

/** Restarts each service in turn, when all agents are connected and a download is active. */
async function restartAll(
  scene: Scene,
  restarts: { count: number; inDownloads: number; exitCodes: number[] },
): Promise<void> {
  const { size, services, agents } = scene;
  const ways = [...Array(size.rounds).keys()].flatMap(() => ['stop', 'kill'] as const);
  for (const way of ways) {
    for (const service of services) {
      await allConnected(scene);
      const under = (): boolean => agents.some(({ isDownloading }) => isDownloading);
      await waitFor(() => under() || agents.some(({ downloads }) => downloads.failed.length > 0), {
        what: 'an active download',
        timeoutMs: TIMEOUT_MS,
        everyMs: 5,
      });
      if (under()) restarts.inDownloads += 1;
      const code = await service.end(way);
      if (way === 'stop') restarts.exitCodes.push(code);
      await service.start();
      restarts.count += 1;
    }
  }
  await allConnected(scene);
}

async function allConnected({ agents }: Scene): Promise<void> {
  await waitFor(
    async () => {
      const infos = await Promise.all(agents.map((agent) => agent.info()));
      return infos.every(({ isConnected }) => isConnected);
    },
    {
      what: 'all agents to be connected to tracker and messaging service',
      timeoutMs: TIMEOUT_MS,
      everyMs: 50,
    },
  );
}

/** The acknowledged messages in the inboxes: each agent's messages go to the next agent. */
async function judgeChat(
  agents: readonly BusyAgent[],
): Promise<Pick<RollingFigures, 'missing' | 'doubled' | 'outOfOrder'>> {
  const figures = { missing: 0, doubled: 0, outOfOrder: 0 };
  for (const [at, sender] of agents.entries()) {
    const receiver = agents[(at + 1) % agents.length] as BusyAgent;
    const texts = async (): Promise<string[]> =>
      (await receiver.inbox()).map(({ message }) => message?.text ?? '');
    await waitFor(async () => new Set(await texts()).size >= sender.sent.length, {
      what: 'the last messages',
      timeoutMs: TIMEOUT_MS,
      everyMs: 100,
    }).catch(() => undefined);
    const got = await texts();
    figures.missing += sender.sent.filter((text) => !got.includes(text)).length;
    figures.doubled += got.length - new Set(got).size;
    const numbers = got.map((text) => Number(text.split(' ')[1]));
    figures.outOfOrder += numbers.filter((number, index) => number < (numbers[index - 1] ?? -1)).length;
  }
  return figures;
}
