import { NatsError, type NatsConnection } from 'nats';
import { z } from 'zod';

/** Number of NATS cluster nodes that store a stream, or `auto` for as many as needed. */
export type NatsReplicas = number | 'auto';

/** The value of `--nats-replicas`. */
export const natsReplicasSchema = z
  .string()
  .regex(/^(auto|[1-5])$/, 'write auto, or a number from 1 to 5')
  .transform((text): NatsReplicas => (text === 'auto' ? 'auto' : Number(text)));

/** Nodes for "auto" in a cluster: one of them may fail. */
const CLUSTER_REPLICAS = 3;
/** A starting cluster does not have all its nodes yet: too few nodes are accepted only after this time. */
const PATIENCE_MS = 20_000;
/** JetStream's error codes for too few nodes, or no cluster. */
const TOO_FEW_NODES: ReadonlySet<number> = new Set([10_005, 10_023, 10_074]);

interface Placed<T> {
  readonly connection: NatsConnection;
  /** The stream's name in JetStream. */
  readonly stream: string;
  /** Creates the stream on this number of nodes, or keeps its current number. */
  readonly make: (nodes: number) => Promise<T>;
}

/** Places a stream on enough nodes of a cluster. */
export class NodePlacement {
  /** When too few nodes were first reported. */
  #refusedAt: number | undefined;

  constructor(private readonly replicas: NatsReplicas) {}

  /**
   * Creates a missing stream, or moves one to more nodes if it has too few. With "auto", too few nodes are an
   * error only for a while: after that the stream is placed on one node. Throws the errors of NATS.
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
