import { describe, expect, it, jest } from '@jest/globals';
import { NatsError, type NatsConnection } from 'nats';
import { NodePlacement, natsReplicasSchema } from './replicas.js';

/** JetStream's answers that a placement uses. */
function connectionTo(init: { cluster?: string; nodes?: number; refuse?: Error }): {
  connection: NatsConnection;
  updates: unknown[];
} {
  const updates: unknown[] = [];
  const streams = {
    info: () => Promise.resolve({ config: { num_replicas: init.nodes ?? 3 } }),
    update: (name: string, change: unknown) => {
      updates.push([name, change]);
      return init.refuse ? Promise.reject(init.refuse) : Promise.resolve();
    },
  };
  const info = { cluster: init.cluster };
  const connection = { info, jetstreamManager: () => Promise.resolve({ streams }) };
  return { connection: connection as unknown as NatsConnection, updates };
}

function tooFew(): NatsError {
  const error = new NatsError('no suitable peers for placement', '400');
  error.api_error = { code: 400, err_code: 10_005, description: 'no suitable peers for placement' };
  return error;
}

describe('the nodes that keep a stream', () => {
  const made: number[] = [];
  const make = (nodes: number): Promise<number> => {
    made.push(nodes);
    return Promise.resolve(nodes);
  };

  it.each<[string, 'auto' | number, string | undefined, number]>([
    ['three of a cluster', 'auto', 'c', 3],
    ['the one there is', 'auto', undefined, 1],
    ['as many as configured', 2, 'c', 2],
  ])('are %s', async (_, replicas, cluster, expected) => {
    const { connection } = connectionTo({ ...(cluster && { cluster }) });
    expect(await new NodePlacement(replicas).place({ connection, stream: 'S', make })).toBe(expected);
  });

  it('are increased if there are fewer', async () => {
    const { connection, updates } = connectionTo({ cluster: 'c', nodes: 1 });
    await new NodePlacement('auto').place({ connection, stream: 'S', make });
    expect(updates).toEqual([['S', { num_replicas: 3 }]]);
  });

  it('are one if the cluster stays too small, and an error if a number was configured', async () => {
    const refuse = (nodes: number): Promise<number> =>
      nodes > 1 ? Promise.reject(tooFew()) : Promise.resolve(1);
    const { connection } = connectionTo({ cluster: 'c' });
    const placed = { connection, stream: 'S', make: refuse };
    const [auto, three] = [new NodePlacement('auto'), new NodePlacement(3)];
    const now = jest.spyOn(performance, 'now').mockReturnValue(1000);
    try {
      await expect(auto.place(placed)).rejects.toThrow('no suitable peers');
      now.mockReturnValue(21_000);
      expect(await auto.place(placed)).toBe(1);
      await expect(three.place(placed)).rejects.toThrow('no suitable peers');
      now.mockReturnValue(60_000);
      await expect(three.place(placed)).rejects.toThrow('no suitable peers');
    } finally {
      now.mockRestore();
    }
  });

  it('stay unchanged if moving is refused for long', async () => {
    const { connection } = connectionTo({ cluster: 'c', nodes: 1, refuse: tooFew() });
    const placement = new NodePlacement('auto');
    const now = jest.spyOn(performance, 'now').mockReturnValue(0);
    try {
      await expect(placement.place({ connection, stream: 'S', make })).rejects.toThrow('no suitable peers');
      now.mockReturnValue(30_000);
      expect(await placement.place({ connection, stream: 'S', make })).toBe(3);
    } finally {
      now.mockRestore();
    }
  });

  it('are written as a number from 1 to 5, or auto', () => {
    expect(['auto', '1', '5'].map((text) => natsReplicasSchema.parse(text))).toEqual(['auto', 1, 5]);
    for (const text of ['0', '6', '', 'all']) expect(natsReplicasSchema.safeParse(text).success).toBe(false);
  });
});
