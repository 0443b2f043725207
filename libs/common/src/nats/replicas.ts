import { NatsError, type NatsConnection } from 'nats';
import { z } from 'zod';

/** On how many nodes of a NATS cluster something is kept: a number, or as many as there should be. */
export type NatsReplicas = number | 'auto';

/** The value of `--nats-replicas`. */
export const natsReplicasSchema = z
  .string()
  .regex(/^(auto|[1-5])$/, 'write auto, or a number from 1 to 5')
  .transform((text): NatsReplicas => (text === 'auto' ? 'auto' : Number(text)));

/** The nodes that "auto" wants in a cluster: one of them may die. */
const CLUSTER_REPLICAS = 3;
/** A cluster that begins has not all its nodes yet: only one that stays small is taken as it is. */
const PATIENCE_MS = 20_000;
/** What JetStream answers if there are not so many nodes, or no cluster. */
const TOO_FEW_NODES: ReadonlySet<number> = new Set([10_005, 10_023, 10_074]);

interface Placed<T> {
  readonly connection: NatsConnection;
  /** The stream's name in JetStream. */
  readonly stream: string;
  /** Makes it on so many nodes, or leaves it on as many as it is. */
  readonly make: (nodes: number) => Promise<T>;
}

/** Has a stream kept on enough nodes of a cluster. */
export class NodePlacement {
  /** When there were too few nodes first. */
  #refusedAt: number | undefined;

  constructor(private readonly replicas: NatsReplicas) {}

  /**
   * Makes a stream that is missing, and moves one that is on fewer nodes than are wanted
   * to more. With "auto" too few nodes are no error for long: it is then on one. Throws
   * what NATS does.
   */
  async place<T>({ connection, stream, make }: Placed<T>): Promise<T> {
    const nodes = this.#nodesOn(connection);
    let made: T;
    try {
      made = await make(nodes);
    } catch (error) {
      if (!this.#accepts(error)) throw error;
      return make(1);
    }
    if (nodes > 1) await this.#spread(connection, stream, nodes);
    return made;
  }

  #nodesOn({ info }: NatsConnection): number {
    if (this.replicas !== 'auto') return this.replicas;
    return info?.cluster === undefined ? 1 : CLUSTER_REPLICAS;
  }

  async #spread(connection: NatsConnection, stream: string, nodes: number): Promise<void> {
    const { streams } = await connection.jetstreamManager();
    const { config } = await streams.info(stream);
    if (config.num_replicas >= nodes) return;
    try {
      await streams.update(stream, { num_replicas: nodes });
    } catch (error) {
      if (!this.#accepts(error)) throw error;
    }
  }

  #accepts(error: unknown): boolean {
    if (this.replicas !== 'auto' || !(error instanceof NatsError)) return false;
    if (!TOO_FEW_NODES.has(error.api_error?.err_code ?? 0)) return false;
    this.#refusedAt ??= performance.now();
    return performance.now() - this.#refusedAt >= PATIENCE_MS;
  }
}
