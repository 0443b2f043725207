import type { Fact } from '@enjambre/common/events/event-bus';
import type { FileRef as ProtoFileRef, PeerRef } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { FileRef, TrackerEvent } from '../domain/events.js';
import type { PeerInfo } from '../domain/peer.js';

export function fromEvent(event: TrackerEvent): Fact {
  const peer = fromPeer(event.peer);
  switch (event.type) {
    case 'peer.connected': {
      const { endpoint, version } = event.peer;
      return { $case: 'peerConnected', value: { peer, endpoint, version } };
    }
    case 'peer.disconnected':
      return { $case: 'peerDisconnected', value: { peer, message: event.reason } };
    case 'peer.banned': {
      const { banned, reason, file } = event;
      return {
        $case: 'peerBanned',
        value: { peer: fromPeer(banned), reporter: peer, message: reason, file: file && fromFile(file) },
      };
    }
    case 'peer.throttled': {
      const { events, seconds } = event;
      return {
        $case: 'peerThrottled',
        value: { peer, eventCount: BigInt(events), periodSeconds: BigInt(seconds) },
      };
    }
    case 'file.shared':
      return { $case: 'fileShared', value: { peer, file: fromFile(event.file) } };
    case 'file.withdrawn':
      return { $case: 'fileWithdrawn', value: { peer, file: fromFile(event.file) } };
    case 'download.started':
      return { $case: 'downloadStarted', value: { peer, file: fromFile(event.file) } };
    case 'download.progressed': {
      const value = { peer, file: fromFile(event.file), leftBytes: BigInt(event.leftBytes) };
      return { $case: 'downloadProgressed', value };
    }
    case 'download.completed': {
      const { leftBytes } = event;
      const value = { peer, file: fromFile(event.file), downloadedBytes: BigInt(event.downloadedBytes) };
      const left = leftBytes === undefined ? {} : { leftBytes: BigInt(leftBytes) };
      return { $case: 'downloadCompleted', value: { ...value, ...left } };
    }
    case 'download.failed':
      return {
        $case: 'downloadFailed',
        value: { peer, file: fromFile(event.file), message: event.message, reason: event.reason },
      };
  }
}

function fromPeer({ id, name }: Pick<PeerInfo, 'id' | 'name'>): PeerRef {
  return { id, name };
}

function fromFile({ infohash, name, size }: FileRef): ProtoFileRef {
  return { infohash, name, sizeBytes: BigInt(size) };
}
