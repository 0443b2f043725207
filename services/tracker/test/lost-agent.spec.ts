import { createServer, connect as connectSocket, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { callUnary } from '@enjambre/rpc/client';
import { dialer } from '@enjambre/harness/dialer';
import {
  TrackerServiceClient,
  type WatchEventsResponse,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { eventually, Harness, TestAgent } from './harness.js';

/** A breakable network between an agent and the tracker. */
class Network {
  readonly #sockets: Socket[] = [];

  private constructor(private readonly server: Server) {}

  static async to(port: number): Promise<Network> {
    const server = createServer();
    const network = new Network(server);
    server.on('connection', (near) => {
      const far = connectSocket(port, '127.0.0.1');
      for (const socket of [near, far]) socket.on('error', () => undefined);
      near.pipe(far).pipe(near);
      network.#sockets.push(near, far);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return network;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Connections stay open, but pass no data: as if the agent hung. */
  freeze(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  /** Cuts connections, as if the agent was killed. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

describe('the end of an agent', () => {
  let harness: Harness;
  let network: Network;
  let agent: TestAgent;
  let reasons: string[];

  beforeEach(async () => {
    harness = await Harness.start();
    network = await Network.to(harness.port);
    const events = harness.client().watchEvents({
      types: ['peer.disconnected'],
      since: undefined,
      replayOnly: false,
    });
    reasons = [];
    events.on('data', ({ event }: WatchEventsResponse) => {
      if (event?.event?.$case === 'peerDisconnected') reasons.push(event.event.value.message);
    });
    events.on('error', () => undefined);
    await new Promise((resolve) => events.on('metadata', resolve));
    agent = new TestAgent(dialer.client(TrackerServiceClient, network.address, 'tracker'));
    await agent.greet({ name: 'alice' });
  });

  afterEach(async () => {
    agent.client.close();
    await network.stop();
    await harness.stop();
  });

  const peersAreGone = async (): Promise<void> => {
    const client = harness.client();
    await eventually(
      async () => (await callUnary(client.getStats.bind(client), {})).peerCount === 0 || undefined,
    );
    await eventually(() => reasons.length > 0 || undefined);
  };

  test('by a crash is noticed at once', async () => {
    const start = performance.now();
    network.cut();
    await peersAreGone();
    expect(performance.now() - start).toBeLessThan(2000);
    expect(reasons).toEqual(['connection lost']);
  });

  test('by a hang is noticed within seconds', async () => {
    const start = performance.now();
    network.freeze();
    await peersAreGone();
    expect(performance.now() - start).toBeLessThan(9000);
    expect(reasons).toEqual(['connection lost']);
  });

  test('by its own choice is a goodbye', async () => {
    agent.call.end();
    await peersAreGone();
    expect(reasons).toEqual(['said goodbye']);
  });
});
