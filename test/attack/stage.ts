import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeRandomFile } from '@enjambre/harness/content';
import { dialer } from '@enjambre/harness/dialer';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { TrackerServiceClient } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { callUnary } from '@enjambre/rpc/client';
import type { Targets } from './attack.js';
import { Attacker, type AttackInit } from './attacker.js';
import { HonestAgent } from './honest-agent.js';
import type { Size } from './size.js';
import { Victim } from './victim.js';

export type VictimName = 'tracker' | 'messaging' | 'seeder' | 'downloader';

/** The honest side of a scenario: services, a seeder of one file, and a downloader, all real processes. */
export class Stage {
  readonly #agents: HonestAgent[] = [];
  readonly #attackers: Attacker[] = [];
  sha256 = '';
  targets: Targets = {
    ...{ tracker: '', messaging: '', seeder: '', seederId: '', downloader: '', downloaderId: '' },
    ...{ infohash: '', metainfo: '', content: '' },
  };

  private constructor(
    readonly swarm: ProcessSwarm,
    readonly size: Size,
    readonly victims: ReadonlyMap<VictimName, Victim>,
    private readonly pair: { readonly seeder: SwarmAgent; readonly downloader: SwarmAgent },
  ) {
    this.#agents.push(new HonestAgent(pair.seeder), new HonestAgent(pair.downloader));
  }

  static async open(size: Size): Promise<Stage> {
    const swarm = await ProcessSwarm.create(size.command === undefined ? {} : { command: size.command });
    try {
      const common = [
        ...['--metrics', '127.0.0.1:0', '--listen', `${size.hosts?.honest ?? '127.0.0.1'}:0`],
        // Versions before this flag need none.
        ...(size.hosts && size.command === undefined ? ['--insecure'] : []),
      ];
      const messaging = await swarm.startMessaging([...common, ...(size.messagingArgs ?? [])]);
      const tracker = await swarm.startTracker([...common, '--messaging', swarm.messagingAddress]);
      const [seeder, downloader] = await Promise.all([
        swarm.startAgent('seeder', [...common, ...(size.seederArgs ?? [])]),
        swarm.startAgent('downloader', common),
      ]);
      const processes = { tracker, messaging, seeder: seeder.process, downloader: downloader.process };
      const names = Object.keys(processes) as VictimName[];
      const victims = new Map<VictimName, Victim>();
      for (const name of names) victims.set(name, swarm.add(await Victim.watch(processes[name])));
      const stage = new Stage(swarm, size, victims, { seeder, downloader });
      await stage.#prepare();
      return stage;
    } catch (error) {
      await swarm.stop();
      throw error;
    }
  }

  get seeder(): HonestAgent {
    return this.#agents[0] as HonestAgent;
  }

  get downloader(): HonestAgent {
    return this.#agents[1] as HonestAgent;
  }

  victim(name: VictimName): Victim {
    return this.victims.get(name) as Victim;
  }

  /** Starts an attack and waits until it is at full strength. */
  async attack(
    init: Omit<AttackInit, 'targets'> & { readonly targets?: Partial<Targets> },
  ): Promise<Attacker> {
    const { hosts } = this.size;
    const attacker = await Attacker.start(this.swarm, {
      ...init,
      ...(hosts && { from: hosts.attacker, through: hosts.through }),
      targets: { ...this.targets, ...init.targets },
    });
    this.#attackers.push(attacker);
    return attacker;
  }

  /** Starts another honest agent, and waits until it is connected. */
  async startAgent(name: string, args: readonly string[] = []): Promise<HonestAgent> {
    const agent = new HonestAgent(await this.swarm.startAgent(name, args));
    this.#agents.push(agent);
    await waitFor(async () => (await agent.info()).isConnected, {
      what: `${name} to be connected`,
      timeoutMs: this.size.deadlineMs,
    });
    return agent;
  }

  /** Number of files in the tracker's catalogue. */
  async filesOfTracker(): Promise<number> {
    const client = dialer.client(TrackerServiceClient, this.targets.tracker, 'tracker');
    try {
      return (await callUnary(client.getStats.bind(client), {})).fileCount;
    } finally {
      client.close();
    }
  }

  async close(): Promise<void> {
    for (const agent of this.#agents) agent.close();
    await this.swarm.stop();
  }

  /** Shares the honest file, and waits until both agents are connected to both services. */
  async #prepare(): Promise<void> {
    const content = join(this.swarm.root, 'originals', 'honest.bin');
    const metainfo = join(this.swarm.root, 'honest.torrent');
    this.sha256 = await writeRandomFile(content, this.size.fileBytes);
    const shared = await this.seeder.share(content);
    await writeFile(metainfo, shared.metainfo);
    const infos = async (): Promise<{ peerId: string; isConnected: boolean }[]> =>
      Promise.all(this.#agents.map((agent) => agent.info()));
    const all = await waitFor(
      async () => {
        const now = await infos();
        return now.every(({ isConnected }) => isConnected) && now;
      },
      { what: 'both agents to be connected', timeoutMs: 30_000 },
    );
    this.targets = {
      tracker: this.swarm.trackerAddress,
      messaging: this.swarm.messagingAddress,
      seeder: this.pair.seeder.address,
      seederId: all[0]?.peerId ?? '',
      downloader: this.pair.downloader.address,
      downloaderId: all[1]?.peerId ?? '',
      infohash: shared.transfer?.infohash ?? '',
      metainfo,
      content,
    };
  }
}
