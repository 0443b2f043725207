import { join } from 'node:path';
import { hashFile, writeRandomFile } from '@enjambre/harness/content';
import type { ManagedProcess } from '@enjambre/harness/managed-process';
import { NatsCluster } from '@enjambre/harness/nats-cluster';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { TrackerProcess } from './tracker-process.js';

export interface ChaosSize {
  readonly agents: number;
  /** Concurrent downloads; each is of a separate file, from one agent to another. */
  readonly downloads: number;
  readonly fileBytes: number;
  /** Size of each download, which must not complete before the kills. */
  readonly bytesPerSecond: number;
  /** In each round, another tracker and another NATS node are killed during the downloads. */
  readonly rounds: number;
}

export interface ChaosFigures extends ChaosSize {
  readonly seconds: number;
  /** Downloads that were active at the kills. */
  readonly hit: number;
  readonly finished: number;
  readonly wrongFiles: number;
  /** Agents whose tracker was killed. */
  readonly moved: number;
  /** Time after each kill until all of these had a session with another tracker. */
  readonly moveSeconds: readonly number[];
  /** Rounds after which all trackers, including the killed one, listed the same files. */
  readonly agreements: number;
}

const TRACKERS = 3;
const WAIT_MS = 60_000;

/** Kills trackers and NATS nodes while agents download, and returns the results. */
export async function chaos(size: ChaosSize): Promise<ChaosFigures> {
  const swarm = await ProcessSwarm.create();
  try {
    const nats = swarm.add(await NatsCluster.start());
    const trackers = [...Array(TRACKERS).keys()].map(
      (index) => new TrackerProcess(swarm, `tracker-${index}`, nats.url),
    );
    for (const tracker of trackers) await tracker.start();
    swarm.useTrackers(trackers.map(({ address }) => address));
    const rate = ['--max-download', `${size.bytesPerSecond}`];
    const agents: SwarmAgent[] = [];
    for (let index = 0; index < size.agents; index++) {
      agents.push(await swarm.startAgent(`agent-${index}`, rate));
    }
    return await new Chaos({ size, swarm, nats, trackers, agents }).run();
  } finally {
    await swarm.stop();
  }
}

interface Scene {
  readonly size: ChaosSize;
  readonly swarm: ProcessSwarm;
  readonly nats: NatsCluster;
  readonly trackers: readonly TrackerProcess[];
  readonly agents: readonly SwarmAgent[];
}

interface Download {
  readonly agent: SwarmAgent;
  readonly name: string;
  readonly sha256: string;
  readonly command: ManagedProcess;
}

class Chaos {
  readonly #scene: Scene;
  readonly #moveSeconds: number[] = [];
  #moved = 0;
  #hit = 0;
  #finished = 0;
  #wrongFiles = 0;
  #agreements = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async run(): Promise<ChaosFigures> {
    const { size } = this.#scene;
    const beganAt = performance.now();
    await this.#allKnown(this.#scene.trackers);
    for (let round = 0; round < size.rounds; round++) await this.#round(round);
    return {
      ...size,
      seconds: (performance.now() - beganAt) / 1000,
      hit: this.#hit,
      finished: this.#finished,
      wrongFiles: this.#wrongFiles,
      moved: this.#moved,
      moveSeconds: this.#moveSeconds,
      agreements: this.#agreements,
    };
  }

  async #round(round: number): Promise<void> {
    const { trackers, nats } = this.#scene;
    const downloads = await this.#begin(round);
    const tracker = trackers[round % TRACKERS] as TrackerProcess;
    const node = nats.nodes[(round + 1) % nats.nodes.length];
    this.#moved += this.#agentsOf(tracker).length;
    await Promise.all([tracker.end('kill'), node?.kill()]);
    const killedAt = performance.now();
    this.#hit += downloads.filter(({ command }) => command.isRunning).length;
    const others = trackers.filter((other) => other !== tracker);
    const what = 'all agents to move';
    await waitFor(() => this.#agentsOf(tracker).length === 0, { what, timeoutMs: WAIT_MS });
    this.#moveSeconds.push((performance.now() - killedAt) / 1000);
    await this.#allKnown(others);
    for (const download of downloads) await this.#end(download);
    await this.#agree(others);
    await node?.restart();
    await tracker.start();
    await this.#allKnown(trackers);
    await this.#agree(trackers);
    this.#agreements += 1;
  }

  /** Shares a file for each download, and resolves when all downloads are active. */
  async #begin(round: number): Promise<Download[]> {
    const { size, swarm, agents } = this.#scene;
    const downloads: Download[] = [];
    for (let index = 0; index < size.downloads; index++) {
      const from = agents[index % agents.length] as SwarmAgent;
      const agent = agents[(index + Math.ceil(agents.length / 2)) % agents.length] as SwarmAgent;
      const name = `file-${round}-${index}.bin`;
      const path = join(swarm.root, 'shared', name);
      const sha256 = await writeRandomFile(path, size.fileBytes);
      const { code, stderr } = await swarm.command(from, ['share', path]);
      if (code !== 0) throw new Error(`enjambre share exited with ${code}: ${stderr}`);
      downloads.push({ agent, name, sha256, command: swarm.start(agent, ['get', name, '--json']) });
    }
    const hasBegun = (line: Record<string, unknown>): true | undefined =>
      line['type'] === 'progress' && Number(line['done_bytes']) > 0 ? true : undefined;
    await Promise.all(
      downloads.map(({ command }) => command.waitForLog(hasBegun, 'a download to begin', WAIT_MS)),
    );
    return downloads;
  }

  async #end({ agent, name, sha256, command }: Download): Promise<void> {
    const code = await command.wait();
    if (code !== 0)
      throw new Error(`the download of ${name} exited with ${code}: ${command.stderr.join('\n')}`);
    this.#finished += 1;
    if ((await hashFile(join(agent.downloadDir, name))) !== sha256) this.#wrongFiles += 1;
  }

  /** Agents whose latest session is with that tracker, according to their logs. */
  #agentsOf({ address }: TrackerProcess): SwarmAgent[] {
    const isWelcome = (line: string): boolean => line.includes('"connected to tracker ');
    return this.#scene.agents.filter(({ process }) =>
      process.stdout.findLast(isWelcome)?.includes(`"connected to tracker ${address};`),
    );
  }

  /** Resolves when each of these trackers knows all agents. */
  async #allKnown(trackers: readonly TrackerProcess[]): Promise<void> {
    const { size, agents } = this.#scene;
    const knowsAll = async (tracker: TrackerProcess): Promise<boolean> => {
      const peers = await tracker.list('peers');
      return (
        peers.length === size.agents &&
        agents.every(({ name }) => peers.some((peer) => peer['name'] === name))
      );
    };
    const what = `${trackers.length} trackers to know all ${size.agents} agents`;
    const all = async (): Promise<boolean> => (await Promise.all(trackers.map(knowsAll))).every(Boolean);
    await waitFor(all, { what, timeoutMs: WAIT_MS }).catch((error: unknown) => {
      throw new Error(`${String(error)}:\n${trackers.map(({ log }) => log).join('\n\n')}`);
    });
  }

  /** Resolves when these trackers list the same files, all of them, with the same peers. */
  async #agree(trackers: readonly TrackerProcess[]): Promise<void> {
    const { size } = this.#scene;
    const rounds = this.#moveSeconds.length;
    let last = '';
    const agreed = async (): Promise<boolean> => {
      const lists = await Promise.all(trackers.map((tracker) => tracker.list('files')));
      last = JSON.stringify(lists);
      const [first = [], ...others] = lists;
      // Downloaders seed a complete file, too.
      const isWhole =
        first.length === rounds * size.downloads && first.every((file) => file['seeder_count'] === 2);
      return isWhole && others.every((list) => JSON.stringify(list) === JSON.stringify(first));
    };
    await waitFor(agreed, { what: 'all trackers to list the same files', timeoutMs: WAIT_MS }).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}: ${last}`);
      },
    );
  }
}
