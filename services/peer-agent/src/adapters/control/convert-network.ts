import type {
  ListFilesResponse,
  ListPeersResponse,
  WatchEventsResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type {
  CatalogueFile,
  NetworkEvent,
  NetworkMember,
  NetworkPeer,
  Page,
} from '../../app/ports/network.js';

type WireMember = ListPeersResponse['members'][number];

export function filesToWire({ items, nextPageToken }: Page<CatalogueFile>): ListFilesResponse {
  return { files: items.map(fileToWire), nextPageToken };
}

function fileToWire(file: CatalogueFile): ListFilesResponse['files'][number] {
  return { ...file, publications: file.publications.map((its) => ({ ...its, signed: new Uint8Array() })) };
}

export function memberToWire({ peer, isSeeder, ...bytes }: NetworkMember): WireMember {
  return { peer: peer && peerToWire(peer), seeder: isSeeder, ...bytes };
}

/** A peer of the network that is listed without a file. */
export function loneMemberToWire(peer: NetworkPeer): WireMember {
  const bytes = { leftBytes: 0n, downloadedBytes: 0n, uploadedBytes: 0n };
  return { peer: peerToWire(peer), seeder: false, ...bytes };
}

export function eventToWire({ id, time, source, fact }: NetworkEvent): WatchEventsResponse {
  return { event: { id, time, source, event: fact } };
}

function peerToWire({ endpoints, labels, ...peer }: NetworkPeer): NonNullable<WireMember['peer']> {
  return { ...peer, endpoints: [...endpoints], labels: { ...labels } };
}
