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
/** What JetStream answers if there are not so many nodes, or no cluster. */
const TOO_FEW_NODES: ReadonlySet<number> = new Set([10_005, 10_023, 10_074]);

interface Kept {
  readonly connection: NatsConnection;
  readonly replicas: NatsReplicas;
  /** The stream's name in JetStream. */
  readonly stream: string;
}

/**
 * Has `make` make a stream that is missing on the nodes that are wanted, and moves one
 * that is there to more nodes if it is on fewer. With "auto" too few nodes are no
 * error: it is then on one. Throws what NATS does.
 */
export async function keepOnNodes<T>(
  { connection, replicas, stream }: Kept,
  make: (nodes: number) => Promise<T>,
): Promise<T> {
  const isCluster = connection.info?.cluster !== undefined;
  const nodes = replicas === 'auto' ? (isCluster ? CLUSTER_REPLICAS : 1) : replicas;
  try {
    const made = await make(nodes);
    if (nodes > 1) await spread(connection, stream, nodes);
    return made;
  } catch (error) {
    if (replicas !== 'auto' || nodes === 1 || !isTooFewNodes(error)) throw error;
    return make(1);
  }
}

async function spread(connection: NatsConnection, stream: string, nodes: number): Promise<void> {
  const { streams } = await connection.jetstreamManager();
  const { config } = await streams.info(stream);
  if (config.num_replicas < nodes) await streams.update(stream, { num_replicas: nodes });
}

function isTooFewNodes(error: unknown): boolean {
  return error instanceof NatsError && TOO_FEW_NODES.has(error.api_error?.err_code ?? 0);
}
