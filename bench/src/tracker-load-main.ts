/**
 * A process of agents that load a tracker. Takes orders on standard input and answers on
 * standard output, one JSON object per line; ends with its standard input. Its only argument
 * is the tracker's address.
 */
import type { ClientHttp2Session } from 'node:http2';
import { createInterface } from 'node:readline';
import { callUnary } from '@enjambre/rpc/client';
import { dialer } from '@enjambre/harness/dialer';
import { TrackerServiceClient } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { infohashOf, TrackerAgent } from './tracker-agent.js';

export type LoadOrder =
  /** Agents `first` to `first + count - 1`, agent i in swarm i modulo `swarms`. */
  | {
      order: 'connect';
      first: number;
      count: number;
      swarms: number;
      watch: boolean;
      agentsPerConnection: number;
    }
  /** All agents announce as fast as the tracker accepts it. */
  | { order: 'announce'; seconds: number }
  /** Looks up the peers of one swarm after the other, with a number of calls in flight. */
  | { order: 'lookup'; seconds: number; underWay: number; swarms: number };

/** Concurrent handshakes: a signature takes longer than the network. */
const CONNECTING = 20;

const [address = ''] = process.argv.slice(2);
const agents: TrackerAgent[] = [];
const connections: ClientHttp2Session[] = [];

async function connectAll(order: Extract<LoadOrder, { order: 'connect' }>): Promise<void> {
  let next = 0;
  const connectSome = async (): Promise<void> => {
    while (next < order.count) {
      const index = next++;
      const connection = (connections[Math.floor(index / order.agentsPerConnection)] ??= dialer.session(
        address,
        'tracker',
      ));
      agents.push(await TrackerAgent.connect(connection, (order.first + index) % order.swarms, order.watch));
    }
  };
  await Promise.all([...Array(CONNECTING).keys()].map(connectSome));
}

async function announceAll(seconds: number): Promise<number> {
  const endMs = performance.now() + seconds * 1000;
  const announceSome = async (agent: TrackerAgent): Promise<number> => {
    let sent = 0;
    while (performance.now() < endMs) {
      // One at a time, each in its own packet, like independent agents.
      await (agent.announce(++sent) ? new Promise(setImmediate) : agent.drained());
    }
    return sent;
  };
  const sent = await Promise.all(agents.map(announceSome));
  return sent.reduce((sum, of) => sum + of, 0);
}

async function lookUp({
  seconds,
  underWay,
  swarms,
}: Extract<LoadOrder, { order: 'lookup' }>): Promise<number[]> {
  const client = dialer.client(TrackerServiceClient, address, 'tracker', {
    'grpc.use_local_subchannel_pool': 1,
  });
  const getSwarm = client.getSwarm.bind(client);
  const endMs = performance.now() + seconds * 1000;
  const latenciesMs: number[] = [];
  let next = 0;
  const askSome = async (): Promise<void> => {
    for (let nowMs = performance.now(); nowMs < endMs; nowMs = performance.now()) {
      const infohash = infohashOf(next++ % swarms).toString('hex');
      await callUnary(getSwarm, { infohash, maxPeers: 0 });
      latenciesMs.push(performance.now() - nowMs);
    }
  };
  await Promise.all([...Array(underWay).keys()].map(askSome));
  client.close();
  return latenciesMs;
}

async function obey(order: LoadOrder): Promise<Record<string, unknown>> {
  switch (order.order) {
    case 'connect':
      await connectAll(order);
      return {};
    case 'announce':
      return { sent: await announceAll(order.seconds) };
    case 'lookup':
      return { latenciesMs: await lookUp(order) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as LoadOrder;
  process.stdout.write(`${JSON.stringify({ answer: order.order, ...(await obey(order)) })}\n`);
}
process.exit();
