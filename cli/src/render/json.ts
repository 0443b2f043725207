import type { Ban, SharedFile, Transfer, TransferPeer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Duration } from '@enjambre/proto/gen/google/protobuf/duration';
import type { File, SwarmMember } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { priorityWord } from '../limit-values.js';
import { distanceWord, trafficJson } from './distance.js';
import type { JsonObject } from './json-line.js';
import { leftOutJson } from './left-out.js';
import { stateWord } from './transfer-state.js';
import { reasonOf } from '../transfer-wording.js';

/** The shapes that `--json` prints: a public interface, so fields are only ever added. */

export function secondsOf(duration: Duration | undefined): number | undefined {
  return duration && Number(duration.seconds) + duration.nanos / 1e9;
}

/** Peers that sent data of a transfer, largest amount first. */
export function sourcesOf(transfer: Transfer): readonly TransferPeer[] {
  return transfer.peers
    .filter(({ bytesReceived }) => bytesReceived > 0n)
    .sort((a, b) => Number(b.bytesReceived - a.bytesReceived) || a.name.localeCompare(b.name));
}

export function transferJson(type: string, transfer: Transfer): JsonObject {
  return {
    type,
    infohash: transfer.infohash,
    name: transfer.name,
    state: stateWord(transfer.state),
    reason: reasonOf(transfer),
    warning: transfer.warning,
    path: transfer.path,
    other_paths: transfer.otherPaths,
    bytes_total: transfer.bytesTotal,
    bytes_done: transfer.bytesDone,
    pieces_total: transfer.piecesTotal,
    pieces_done: transfer.piecesDone,
    pieces_checked: transfer.piecesChecked,
    piece_length: transfer.pieceLength,
    file_count: transfer.fileCount,
    origin: transfer.origin,
    download_rate: transfer.downloadRate,
    upload_rate: transfer.uploadRate,
    bytes_downloaded: transfer.bytesDownloaded,
    bytes_uploaded: transfer.bytesUploaded,
    bytes_wasted: transfer.bytesWasted,
    seconds_left: secondsOf(transfer.timeLeft),
    seconds_active: secondsOf(transfer.activeTime),
    added_at: transfer.addedAt?.toISOString(),
    completed_at: transfer.completedAt?.toISOString(),
    max_upload: transfer.maxUpload,
    max_download: transfer.maxDownload,
    priority: priorityWord(transfer.priority),
    traffic: trafficJson(transfer.traffic),
    peers: transfer.peers.map(transferPeerJson),
  };
}

/** A progress line of `get --json`. */
export function progressJson(transfer: Transfer): JsonObject {
  return {
    type: 'progress',
    infohash: transfer.infohash,
    name: transfer.name,
    state: stateWord(transfer.state),
    reason: reasonOf(transfer),
    bytes_done: transfer.bytesDone,
    bytes_total: transfer.bytesTotal,
    pieces_checked: transfer.piecesChecked,
    rate: transfer.downloadRate,
    seconds_left: secondsOf(transfer.timeLeft),
    sources: connectedSources(transfer),
  };
}

/** Number of connected peers that have sent data. */
export function connectedSources(transfer: Transfer): number {
  return transfer.peers.filter((peer) => peer.connected && peer.bytesReceived > 0n).length;
}

/** The last line of `get --json`. */
export function doneJson(transfer: Transfer): JsonObject {
  return {
    type: 'done',
    infohash: transfer.infohash,
    name: transfer.name,
    path: transfer.path,
    bytes: transfer.bytesTotal,
    seconds: secondsOf(transfer.activeTime) ?? 0,
    sources: sourcesOf(transfer).map(({ name, peerId, bytesReceived }) => ({
      peer: name,
      bytes: bytesReceived,
      peer_id: peerId,
    })),
  };
}

/** The result of a check. */
export interface Findings {
  /** Its current state. */
  readonly transfer: Transfer;
  readonly piecesGood: number;
  readonly bytesFetched: bigint;
}

/** The last line of `verify --wait --json`, before that of an error. */
export function verifiedJson({ transfer, piecesGood, bytesFetched }: Findings): JsonObject {
  return {
    type: 'verified',
    infohash: transfer.infohash,
    name: transfer.name,
    path: transfer.path,
    state: stateWord(transfer.state),
    reason: reasonOf(transfer),
    pieces_total: transfer.piecesTotal,
    pieces_good: piecesGood,
    bytes_fetched: bytesFetched,
  };
}

/** The last line of `share --json`. */
export function sharedJson(transfer: Transfer, shared: SharedFile, torrents: readonly string[]): JsonObject {
  return {
    type: 'shared',
    infohash: transfer.infohash,
    name: transfer.name,
    path: transfer.path,
    bytes: transfer.bytesTotal,
    magnet: shared.magnet,
    already_shared: shared.alreadyShared,
    torrents,
    left_out: leftOutJson(shared.leftOut),
  };
}

export function fileJson(file: File): JsonObject {
  return {
    type: 'file',
    infohash: file.infohash,
    name: file.name,
    bytes: file.size,
    piece_length: file.pieceLength,
    file_count: file.fileCount,
    seeders: file.seeders,
    leechers: file.leechers,
    shared_at: file.sharedAt?.toISOString(),
    shared_by: file.sharedBy,
    disputed: file.disputed,
  };
}

/** A peer as the tracker knows it. */
export interface KnownMember extends SwarmMember {
  /** Why the agent has banned it; absent if it has not, or if a tracker was queried. */
  readonly banned?: string | undefined;
}

/** A line of `peers --banned --json`, and the one of `unban --json`. */
export function banJson(type: 'ban' | 'unbanned', ban: Ban): JsonObject {
  return {
    type,
    peer: ban.name,
    peer_id: ban.peerId,
    reason: ban.reason,
    since: ban.since?.toISOString(),
    until: ban.until?.toISOString(),
  };
}

/** A peer; with `inSwarm`, also its progress with the requested file. */
export function peerJson({ peer, banned, ...member }: KnownMember, inSwarm: boolean): JsonObject {
  return {
    type: 'peer',
    peer: peer?.name,
    peer_id: peer?.peerId,
    endpoint: peer?.endpoint,
    labels: peer?.labels,
    version: peer?.version,
    connected_at: peer?.connectedAt?.toISOString(),
    seeding: peer?.seeding,
    leeching: peer?.leeching,
    banned,
    ...(inSwarm && {
      seeder: member.seeder,
      bytes_left: member.bytesLeft,
      bytes_downloaded: member.bytesDownloaded,
      bytes_uploaded: member.bytesUploaded,
    }),
  };
}

function transferPeerJson(peer: TransferPeer): Readonly<Record<string, string | number | bigint | boolean>> {
  return {
    peer: peer.name,
    peer_id: peer.peerId,
    endpoint: peer.endpoint,
    connected: peer.connected,
    bytes_received: peer.bytesReceived,
    bytes_sent: peer.bytesSent,
    receive_rate: peer.receiveRate,
    send_rate: peer.sendRate,
    banned: peer.banned,
    distance: distanceWord(peer.distance),
  };
}
