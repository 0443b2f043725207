import { DISTANCES, type Distance } from '@enjambre/core/locality';
import {
  Distance as WireDistance,
  Priority as WirePriority,
  TransferState as WireState,
  type Transfer as WireTransfer,
  type DistanceTraffic,
  type TransferPeer,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Publication as WirePublication } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { Duration } from '@enjambre/proto/gen/google/protobuf/duration';
import type { TransferState, TransferView } from '../../app/transfer/transfer-view.js';
import { pathOfCopy } from '../../domain/copies.js';
import type { Publication } from '../../domain/publication.js';
import type { TrafficRecord } from '../../domain/traffic.js';
import type { Priority } from '../../domain/limits/priority.js';

const STATES: Readonly<Record<TransferState, WireState>> = {
  resolving: WireState.RESOLVING,
  checking: WireState.CHECKING,
  downloading: WireState.DOWNLOADING,
  seeding: WireState.SEEDING,
  missing: WireState.MISSING,
  paused: WireState.PAUSED,
  finished: WireState.FINISHED,
  failed: WireState.FAILED,
};

const PRIORITIES: Readonly<Record<Priority, WirePriority>> = {
  low: WirePriority.LOW,
  normal: WirePriority.NORMAL,
  high: WirePriority.HIGH,
};

const DISTANCE: Readonly<Record<Distance, WireDistance>> = {
  node: WireDistance.NODE,
  rack: WireDistance.RACK,
  zone: WireDistance.ZONE,
  region: WireDistance.REGION,
  far: WireDistance.FAR,
  unknown: WireDistance.UNSPECIFIED,
};

export function distanceToWire(distance: Distance): WireDistance {
  return DISTANCE[distance];
}

/** Distances without any bytes are omitted. */
export function trafficToWire({ received, sent }: TrafficRecord): DistanceTraffic[] {
  return DISTANCES.filter((distance) => received[distance] + sent[distance] > 0).map((distance) => ({
    distance: DISTANCE[distance],
    downloadedBytes: BigInt(received[distance]),
    uploadedBytes: BigInt(sent[distance]),
  }));
}

export function stateToWire(state: TransferState): WireState {
  return STATES[state];
}

/** Undefined if unspecified, or from a later version. */
export function priorityFromWire(wire: WirePriority): Priority | undefined {
  return (Object.keys(PRIORITIES) as Priority[]).find((priority) => PRIORITIES[priority] === wire);
}

/** The public view of a transfer. */
export function transferToWire(view: TransferView): WireTransfer {
  const { record, seedLimits } = view;
  return {
    infohash: record.infohash,
    name: record.name || record.infohash.slice(0, 8),
    state: STATES[view.state],
    reason: view.reason,
    message: view.message,
    warning: record.warning,
    path: view.path,
    sizeBytes: BigInt(record.sizeBytes),
    doneBytes: BigInt(record.doneBytes),
    pieceCount: view.pieceCount,
    donePieceCount: view.donePieceCount,
    checkedPieceCount: view.checkedPieceCount,
    pieceLength: BigInt(view.pieceLength),
    fileCount: view.fileCount,
    origin: record.origin,
    downloadRate: bytes(view.downloadRate),
    uploadRate: bytes(view.uploadRate),
    downloadedBytes: BigInt(record.downloadedBytes),
    uploadedBytes: BigInt(record.uploadedBytes),
    wastedBytes: BigInt(record.wastedBytes),
    timeLeft: view.timeLeft === undefined ? undefined : durationOf(view.timeLeft),
    activeTime: durationOf(record.activeMs / 1000),
    addedAt: new Date(record.addedAtMs),
    completedAt: record.completedAtMs === 0 ? undefined : new Date(record.completedAtMs),
    peers: view.peers.map(peerToWire),
    maxUpload: BigInt(record.maxUpload),
    maxDownload: BigInt(record.maxDownload),
    priority: PRIORITIES[record.priority],
    seedRatio: seedLimits.seedRatio === Infinity ? undefined : seedLimits.seedRatio,
    seedTime: seedLimits.seedTimeMs === Infinity ? undefined : durationOf(seedLimits.seedTimeMs / 1000),
    seedingTime: durationOf(record.seededMs / 1000),
    traffic: trafficToWire(record.traffic),
    otherPaths: record.copies.map((copy) => pathOfCopy(copy, record.name)),
    publication: record.publication && publicationToWire(record.publication),
    follow: record.follow,
    select: [...record.select],
    selectedBytes: BigInt(record.selectedBytes),
    selectedPieceCount: view.selectedPieceCount,
    selectedFileCount: view.selectedFileCount,
  };
}

function publicationToWire({ publisher, version, publishedAtMs }: Publication): WirePublication {
  const { id, name } = publisher;
  return { publisher: { id, name }, version, publishedAt: new Date(publishedAtMs), signed: new Uint8Array() };
}

/** Milliseconds; `fallback` if absent. */
export function millisecondsOf(duration: Duration | undefined, fallback: number): number {
  return duration ? Number(duration.seconds) * 1000 + duration.nanos / 1e6 : fallback;
}

function peerToWire(peer: TransferView['peers'][number]): TransferPeer {
  return {
    id: peer.peerId,
    name: peer.name,
    endpoint: peer.endpoint,
    connected: peer.connected,
    downloadedBytes: BigInt(peer.received),
    uploadedBytes: BigInt(peer.sent),
    downloadRate: bytes(peer.downloadRate),
    uploadRate: bytes(peer.uploadRate),
    banMessage: peer.banned,
    distance: DISTANCE[peer.distance],
  };
}

function bytes(rate: number): bigint {
  return BigInt(Math.round(rate));
}

export function durationOf(seconds: number): Duration {
  const micros = Math.round(seconds * 1e6);
  return { seconds: BigInt(Math.floor(micros / 1e6)), nanos: (micros % 1e6) * 1000 };
}
