import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { callUnary } from '@enjambre/rpc/client';
import { dialer } from '@enjambre/harness/dialer';
import type { ManagedProcess } from '@enjambre/harness/managed-process';
import { ProcessSwarm } from '@enjambre/harness/swarm';
import { TrackerServiceClient } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { Cleanup } from './cleanup.js';
import { quantile } from './statistics.js';
import { HERE, spawnAt } from './teams/team.js';
import type { LoadOrder } from './tracker-load-main.js';
import { cpuSeconds, peakMiB, residentMiB } from './usage.js';

const LOAD = fileURLToPath(new URL('tracker-load-main.js', import.meta.url));
/** Beginning and end of a load are not counted. */
const EDGE_MS = 1000;
const SETTLE_MS = 3000;
const TIMEOUT_MS = 600_000;

/** A tracker on its own core, and processes that load it from the other cores. */
export class TrackerUnderLoad {
  private constructor(
    private readonly tracker: ManagedProcess,
    private readonly client: TrackerServiceClient,
    private readonly loads: readonly ManagedProcess[],
  ) {}

  static async start(after: Cleanup): Promise<TrackerUnderLoad> {
    const swarm = await ProcessSwarm.create();
    after.defer(() => swarm.stop());
    const tracker = await swarm.startTracker(['--address-budget', '100'], {
      through: ['taskset', '-c', '0'],
    });
    const client = dialer.client(TrackerServiceClient, swarm.trackerAddress, 'tracker', {
      'grpc.use_local_subchannel_pool': 1,
    });
    after.defer(() => {
      client.close();
    });
    const others = Math.max(1, Math.min(4, availableParallelism() - 1));
    const loads = [...Array(others).keys()].map((index) => {
      const core = String(Math.min(index + 1, availableParallelism() - 1));
      const command = ['taskset', '-c', core, process.execPath, LOAD, swarm.trackerAddress] as const;
      return spawnAt(HERE, command, { after, input: true });
    });
    return new TrackerUnderLoad(tracker, client, loads);
  }

  /** Connects agents, evenly from all load processes. Returns the cost of each. */
  async connect(
    agents: number,
    init: { swarms: number; watch: boolean; agentsPerConnection: number },
  ): Promise<AgentCost> {
    const before = residentMiB(this.tracker.pid);
    const each = Math.ceil(agents / this.loads.length);
    const beganMs = performance.now();
    await this.#all((index) => ({ order: 'connect', first: index * each, count: each, ...init }));
    const seconds = (performance.now() - beganMs) / 1000;
    await delay(SETTLE_MS);
    const { peerCount: peers } = await this.#stats();
    if (peers !== each * this.loads.length) throw new Error(`the tracker has ${peers} peers, not ${agents}`);
    const [cpuBefore, idleMs] = [cpuSeconds(this.tracker.pid), performance.now()];
    await delay(SETTLE_MS);
    return {
      agents: peers,
      connectSeconds: seconds,
      residentMiB: residentMiB(this.tracker.pid),
      kibPerAgent: ((residentMiB(this.tracker.pid) - before) * 1024) / peers,
      idleCpu: ((cpuSeconds(this.tracker.pid) - cpuBefore) * 1000) / (performance.now() - idleMs),
      peakMiB: peakMiB(this.tracker.pid),
    };
  }

  /** Counts the announces that the tracker reports as accepted, not those sent. */
  async announce(seconds: number): Promise<AnnounceRate> {
    const ended = this.#all(() => ({ order: 'announce', seconds: seconds + (2 * EDGE_MS) / 1000 }));
    await delay(EDGE_MS);
    const begin = await this.#look();
    await delay(seconds * 1000);
    const end = await this.#look();
    await ended;
    const taken = Number(end.announces - begin.announces);
    const cpu = end.cpu - begin.cpu;
    const wall = (end.atMs - begin.atMs) / 1000;
    return { perSecond: taken / wall, perCpuSecond: taken / cpu, cpuShare: cpu / wall };
  }

  async lookUp(seconds: number, underWay: number, swarms: number): Promise<LookupRate> {
    const answers = await this.#all(() => ({ order: 'lookup', seconds, underWay, swarms }));
    const latenciesMs = answers.flatMap(({ latenciesMs }) => latenciesMs as number[]);
    const [p50Ms, p99Ms] = [quantile(latenciesMs, 0.5), quantile(latenciesMs, 0.99)];
    return { perSecond: latenciesMs.length / seconds, p50Ms, p99Ms };
  }

  async #look(): Promise<{ announces: bigint; cpu: number; atMs: number }> {
    const { announceCount: announces } = await this.#stats();
    return { announces, cpu: cpuSeconds(this.tracker.pid), atMs: performance.now() };
  }

  #stats(): Promise<{ announceCount: bigint; peerCount: number }> {
    return callUnary(this.client.getStats.bind(this.client), {}, { timeoutMs: 60_000 });
  }

  /** Gives all load processes an order and waits for their answers. */
  #all(orderOf: (index: number) => LoadOrder): Promise<Record<string, unknown>[]> {
    const answers = this.loads.map(async (load, index) => {
      const order = orderOf(index);
      const skip = load.stdout.length;
      let line = 0;
      const pick = (entry: Record<string, unknown>): Record<string, unknown> | undefined =>
        line++ >= skip && entry['answer'] === order.order ? entry : undefined;
      load.write(JSON.stringify(order));
      return load.waitForLog(pick, `the end of ${order.order}`, TIMEOUT_MS);
    });
    return Promise.all(answers);
  }
}

export interface AgentCost {
  readonly agents: number;
  readonly connectSeconds: number;
  readonly residentMiB: number;
  readonly peakMiB: number;
  /** Growth of the tracker's resident memory for each agent. */
  readonly kibPerAgent: number;
  /** CPU of the tracker while all agents are silent, in cores. */
  readonly idleCpu: number;
}

export interface AnnounceRate {
  readonly perSecond: number;
  /** The same for a second of the tracker's CPU: comparable also when the load was too slow to fill it. */
  readonly perCpuSecond: number;
  /** Share of its core. Under 0.95 the load, not the tracker, was the bottleneck. */
  readonly cpuShare: number;
}

export interface LookupRate {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
