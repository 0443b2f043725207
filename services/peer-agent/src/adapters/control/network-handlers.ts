import type { HandlerFactory } from '@enjambre/common/grpc/handlers';
import type {
  AgentServiceServer,
  ListPeersRequest,
  ListPeersResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Transfers } from '../../app/transfers.js';
import type { TrackerLink } from '../tracker/tracker-link.js';

interface NetworkComponents {
  readonly transfers: Transfers;
  readonly tracker: TrackerLink;
}

/** What the agent asks its tracker for others: they need not know where that is. */
export function networkHandlers(
  components: NetworkComponents,
  handlers: HandlerFactory,
): Pick<AgentServiceServer, 'listFiles' | 'listPeers' | 'watchEvents'> {
  const { tracker } = components;
  return {
    listFiles: handlers.unary((request) => tracker.listFiles(request)),
    listPeers: handlers.unary((request) => listPeers(components, request)),
    watchEvents: handlers.serverStream((request, { signal }) => tracker.watchEvents(request, signal)),
  };
}

async function listPeers(
  { transfers, tracker }: NetworkComponents,
  { ref, pageSize, pageToken }: ListPeersRequest,
): Promise<ListPeersResponse> {
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
