import { randomInt } from 'node:crypto';
import { connectToNats } from './nats-client.js';
import { NatsServer } from './nats-server.js';
import { waitFor } from './wait-for.js';

const NODE_NAME = 'node-';
const FIRST_PORT = 30_000;
const LAST_PORT = 32_000;
/** Time for nodes to start, find each other and elect a leader. */
const READY_TIMEOUT_MS = 60_000;

/** A cluster of real nats-servers with JetStream; any of them can be killed and restarted. */
export class NatsCluster {
  private constructor(readonly nodes: readonly NatsServer[]) {}

  /** Resolves when JetStream can store data on all nodes. */
  static async start(size = 3): Promise<NatsCluster> {
    const first = randomInt(FIRST_PORT, LAST_PORT);
    const ports = [...Array(size).keys()].map((index) => first + index);
    const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(',');
    const nodes = await Promise.all(
      ports.map((port, index) =>
        NatsServer.start([
          ...['--cluster_name', 'enjambre', '--cluster', `nats://127.0.0.1:${port}`],
          ...['--routes', routes, '--name', `${NODE_NAME}${index}`],
        ]),
      ),
    );
    const cluster = new NatsCluster(nodes);
    try {
      await cluster.#ready();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** All nodes, separated by commas: the value of `--nats`. */
  get url(): string {
    return this.nodes.map(({ url }) => url).join(',');
  }

  /** A node by its server name in NATS. */
  node(name: string): NatsServer {
    const node = this.nodes[Number(name.replace(NODE_NAME, ''))];
    if (!node) throw new Error(`no node is named ${name}`);
    return node;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async #ready(): Promise<void> {
    const connection = await connectToNats(this.url);
    try {
      const name = 'READY';
      const tryOut = async (): Promise<boolean> => {
        const { streams } = await connection.jetstreamManager({ checkAPI: false, timeout: 2000 });
        await streams.add({ name, subjects: [name], num_replicas: this.nodes.length });
        return streams.delete(name);
      };
      const what = `JetStream on ${this.nodes.length} nodes`;
      await waitFor(tryOut, { what, timeoutMs: READY_TIMEOUT_MS, everyMs: 200, retryErrors: true });
    } finally {
      await connection.close();
    }
  }
}
