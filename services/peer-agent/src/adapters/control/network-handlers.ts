import type { HandlerFactory } from '@enjambre/rpc/handlers';
import type {
  AgentServiceServer,
  ListPeersRequest,
  ListPeersResponse,
  WatchEventsRequest,
  WatchEventsResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Bans } from '../../app/agent/bans.js';
import type { NetworkView } from '../../app/ports/network.js';
import type { Transfers } from '../../app/transfer/transfers.js';
import { eventToWire, filesToWire, loneMemberToWire, memberToWire } from './convert-network.js';

interface NetworkComponents {
  readonly transfers: Transfers;
  readonly bans: Bans;
  readonly network: NetworkView;
}

/** What the agent asks its tracker on behalf of its clients, which need not know the tracker's address. */
export function networkHandlers(
  components: NetworkComponents,
  handlers: HandlerFactory,
): Pick<AgentServiceServer, 'listFiles' | 'listPeers' | 'watchEvents'> {
  const { network } = components;
  return {
    listFiles: handlers.unary(async ({ query, ...page }) =>
      filesToWire(await network.listFiles(query, page)),
    ),
    listPeers: handlers.unary(async (request) => {
      const page = await listPeers(components, request);
      return { ...page, banned: bannedAmong(page.members, components.bans) };
    }),
    watchEvents: handlers.serverStream((request, { signal }) => watchEvents(network, request, signal)),
  };
}

async function listPeers(
  { transfers, network }: NetworkComponents,
  { ref, pageSize, pageToken }: ListPeersRequest,
): Promise<Omit<ListPeersResponse, 'banned'>> {
  if (ref === '') {
    const { items, nextPageToken } = await network.listPeers({ pageSize, pageToken });
    return { members: items.map(loneMemberToWire), nextPageToken };
  }
  const members = await network.listSwarm(await transfers.lookUp(ref), pageSize);
  return { members: members.map(memberToWire), nextPageToken: '' };
}

async function* watchEvents(
  network: NetworkView,
  request: WatchEventsRequest,
  signal: AbortSignal,
): AsyncGenerator<WatchEventsResponse> {
  for await (const event of network.watchEvents(request, signal)) yield eventToWire(event);
}

/** Reasons of this agent's bans of some of them, by peer id. */
function bannedAmong(members: ListPeersResponse['members'], bans: Bans): Record<string, string> {
  const reasons = new Map(bans.list().map(({ peerId, reason }) => [peerId as string, reason]));
  return Object.fromEntries(
    members.flatMap(({ peer }) => {
      const reason = reasons.get(peer?.id ?? '');
      return peer && reason !== undefined ? [[peer.id, reason]] : [];
    }),
  );
}
