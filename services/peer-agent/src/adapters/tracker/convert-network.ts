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
  const { infohash, name, sizeBytes, pieceLength, fileCount, seederCount, leecherCount } = file;
  const { sharedAt, publisherName, disputed, publications, superseded } = file;
  const facts = { infohash, name, sizeBytes, pieceLength, fileCount, seederCount, leecherCount };
  return { ...facts, sharedAt, publisherName, disputed, publications, superseded };
}

export function networkPeerFromWire(peer: Peer): NetworkPeer {
  const { id, name, endpoint, endpoints, labels, version, connectedAt, seedingCount, leechingCount } = peer;
  return { id, name, endpoint, endpoints, labels, version, connectedAt, seedingCount, leechingCount };
}

export function networkMemberFromWire(member: SwarmMember): NetworkMember {
  const { peer, seeder, leftBytes, downloadedBytes, uploadedBytes } = member;
  return {
    peer: peer && networkPeerFromWire(peer),
    isSeeder: seeder,
    leftBytes,
    downloadedBytes,
    uploadedBytes,
  };
}

export function networkEventFromWire({ id, time, source, event }: Event): NetworkEvent {
  return { id, time, source, fact: event };
}

export function selectionToWire({ types, since, replayOnly }: EventSelection): WatchEventsRequest {
  return { types: [...types], since, replayOnly };
}
