import type { GetInfoResponse, Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { TransferState } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { messageOf } from '@enjambre/core/error';
import { withAgent, type AgentClient } from '../agent-client.js';
import { agentOf } from '../agent-channel.js';
import type { Session } from '../context.js';
import { plain } from '../render/text.js';
import { isLoopback } from './judge-reach.js';
import { PROBE_MS, timed, type Timed } from './probe.js';

/** A peer of one of the agent's swarms. */
interface Neighbour {
  readonly peerId: string;
  readonly name: string;
  /** Its addresses, in the order of dialing. */
  readonly endpoints: readonly string[];
  readonly version: string;
}

/** An agent that answers. */
export interface LiveAgent {
  readonly address: string;
  readonly info: Timed<GetInfoResponse>;
  readonly transfers: readonly Transfer[];
  /** At most {@link MAX_NEIGHBOURS}, none of them banned. */
  readonly neighbours: readonly Neighbour[];
  /** True if its folders and its process are on this machine. */
  readonly isHere: boolean;
}

export type FoundAgent = LiveAgent | { readonly address: string; readonly silence: string };

/** Number of swarms and peers to check: enough to assess the network. */
const MAX_SWARMS = 10;
const MAX_NEIGHBOURS = 50;
/** Addresses of one peer that are dialed. */
const MAX_DIALED = 4;
const IN_USE: ReadonlySet<TransferState> = new Set([
  TransferState.RESOLVING,
  TransferState.DOWNLOADING,
  TransferState.SEEDING,
]);

/** Queries the agent of a session; never throws. */
export async function gatherAgent(session: Session): Promise<FoundAgent> {
  let address = '';
  try {
    ({ address } = await agentOf(session));
    return await withAgent(session, async (agent) => {
      const info = await timed(session.context.now, () => agent.info(PROBE_MS));
      const transfers = await agent.transfers(PROBE_MS);
      const neighbours = await neighboursOf(agent, transfers, info.answer.id);
      const isHere = address.startsWith('unix:') || isLoopback(address);
      return { address, info, transfers, neighbours, isHere };
    });
  } catch (error) {
    return { address, silence: messageOf(error) };
  }
}

async function neighboursOf(
  agent: AgentClient,
  transfers: readonly Transfer[],
  ownId: string,
): Promise<Neighbour[]> {
  const inUse = transfers
    .filter(({ state }) => IN_USE.has(state))
    // Downloads first: they need peers.
    .sort((a, b) => Number(a.state === TransferState.SEEDING) - Number(b.state === TransferState.SEEDING))
    .slice(0, MAX_SWARMS);
  const found = new Map<string, Neighbour>();
  const swarms = inUse.map(async ({ infohash }) => {
    for (const { peer, banned } of await agent.peers(infohash)) {
      if (!peer || banned !== undefined || peer.id === ownId) continue;
      const { id: peerId, name, version } = peer;
      // An older tracker sends only one.
      const endpoints = peer.endpoints.length > 0 ? peer.endpoints.slice(0, MAX_DIALED) : [peer.endpoint];
      found.set(peerId, { peerId, name: plain(name), endpoints, version: plain(version) });
    }
  });
  // Fails if the agent has no tracker; the finding about the tracker reports that.
  await Promise.allSettled(swarms);
  return [...found.values()].slice(0, MAX_NEIGHBOURS);
}
