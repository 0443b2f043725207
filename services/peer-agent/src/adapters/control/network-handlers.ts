import type { HandlerFactory } from '@enjambre/rpc/handlers';
import type {
  AgentServiceServer,
  ListPeersRequest,
  ListPeersResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { SwarmMember } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { Bans } from '../../app/agent/bans.js';
import type { Transfers } from '../../app/transfer/transfers.js';
import type { TrackerLink } from '../tracker/tracker-link.js';

interface NetworkComponents {
  readonly transfers: Transfers;
  readonly bans: Bans;
  readonly tracker: TrackerLink;
}

/** Queries that the agent forwards to its tracker: callers need not know its address. */
export function networkHandlers(
  components: NetworkComponents,
  handlers: HandlerFactory,
): Pick<AgentServiceServer, 'listFiles' | 'listPeers' | 'watchEvents'> {
  const { tracker } = components;
  return {
    listFiles: handlers.unary((request) => tracker.listFiles(request)),
    listPeers: handlers.unary(async (request) => {
      const page = await listPeers(components, request);
      return { ...page, banned: bannedAmong(page.members, components.bans) };
    }),
    watchEvents: handlers.serverStream((request, { signal }) => tracker.watchEvents(request, signal)),
  };
}

async function listPeers(
  { transfers, tracker }: NetworkComponents,
  { ref, pageSize, pageToken }: ListPeersRequest,
): Promise<Omit<ListPeersResponse, 'banned'>> {
  if (ref === '') {
    const { peers, nextPageToken } = await tracker.listPeers({ query: '', pageSize, pageToken });
    const members = peers.map((peer) => ({
      peer,
      seeder: false,
      bytesLeft: 0n,
      bytesDownloaded: 0n,
      bytesUploaded: 0n,
    }));
    return { members, nextPageToken };
  }
  const { members } = await tracker.getSwarm({ infohash: await transfers.lookUp(ref), maxPeers: pageSize });
  return { members, nextPageToken: '' };
}

/** Reasons of this agent's bans among the members, by peer id. */
function bannedAmong(members: readonly SwarmMember[], bans: Bans): Record<string, string> {
  const reasons = new Map(bans.list().map(({ peerId, reason }) => [peerId as string, reason]));
  return Object.fromEntries(
    members.flatMap(({ peer }) => {
      const reason = reasons.get(peer?.peerId ?? '');
      return peer && reason !== undefined ? [[peer.peerId, reason]] : [];
    }),
  );
}
