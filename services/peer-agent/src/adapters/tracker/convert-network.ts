import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type {
  File,
  Peer,
  SwarmMember,
  WatchEventsRequest,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type {
  CatalogueFile,
  EventSelection,
  NetworkEvent,
  NetworkMember,
  NetworkPeer,
} from '../../app/ports/network.js';

export function catalogueFileFromWire(file: File): CatalogueFile {
  const { infohash, name, size, pieceLength, fileCount, seeders, leechers } = file;
  const { sharedAt, sharedBy, disputed, publications, superseded } = file;
  const facts = { infohash, name, size, pieceLength, fileCount, seeders, leechers };
  return { ...facts, sharedAt, sharedBy, disputed, publications, superseded };
}

export function networkPeerFromWire(peer: Peer): NetworkPeer {
  const { peerId, name, endpoint, endpoints, labels, version, connectedAt, seeding, leeching } = peer;
  return { peerId, name, endpoint, endpoints, labels, version, connectedAt, seeding, leeching };
}

export function networkMemberFromWire(member: SwarmMember): NetworkMember {
  const { peer, seeder, bytesLeft, bytesDownloaded, bytesUploaded } = member;
  return {
    peer: peer && networkPeerFromWire(peer),
    isSeeder: seeder,
    bytesLeft,
    bytesDownloaded,
    bytesUploaded,
  };
}

export function networkEventFromWire({ id, time, source, event }: Event): NetworkEvent {
  return { id, time, source, fact: event };
}

export function selectionToWire({ types, since, replayOnly }: EventSelection): WatchEventsRequest {
  return { types: [...types], since, replayOnly };
}
