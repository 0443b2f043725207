import type { Ban, SharedFile, Transfer, TransferPeer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Duration } from '@enjambre/proto/gen/google/protobuf/duration';
import type { File, Publication, SwarmMember } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { priorityWord } from '../limit-values.js';
import { distanceJson, trafficJson } from './distance.js';
import { ifAny, type JsonObject, type JsonValue } from './json-line.js';
import { leftOutJson } from './left-out.js';
import { messageOf } from '../transfer-wording.js';
import { isPart } from './selected.js';
import { stateJson } from './transfer-state.js';

// The shapes that `--json` prints: a public interface, described in docs/vocabulary.md. Fields are only ever added.

export function secondsOf(duration: Duration | undefined): number | undefined {
  return duration && Number(duration.seconds) + duration.nanos / 1e9;
}

/** Peers that sent data of a transfer, largest amount first. */
export function sourcesOf(transfer: Transfer): readonly TransferPeer[] {
  return transfer.peers
    .filter(({ downloadedBytes }) => downloadedBytes > 0n)
    .sort((a, b) => Number(b.downloadedBytes - a.downloadedBytes) || a.name.localeCompare(b.name));
}

export function transferJson(type: string, transfer: Transfer): JsonObject {
  return {
    type,
    infohash: transfer.infohash,
    name: transfer.name,
    state: stateJson(transfer.state),
    reason: transfer.reason,
    message: messageOf(transfer),
    warning: transfer.warning,
    path: transfer.path,
    other_paths: transfer.otherPaths,
    ...publicationJson(transfer.publication),
    follow: transfer.follow,
    size_bytes: ifAny(transfer.sizeBytes),
    ...selectionJson(transfer),
    done_bytes: transfer.doneBytes,
    piece_count: ifAny(transfer.pieceCount),
    done_piece_count: transfer.donePieceCount,
    checked_piece_count: ifAny(transfer.checkedPieceCount),
    piece_length: ifAny(transfer.pieceLength),
    file_count: ifAny(transfer.fileCount),
    origin: transfer.origin,
    download_rate: transfer.downloadRate,
    upload_rate: transfer.uploadRate,
    downloaded_bytes: transfer.downloadedBytes,
    uploaded_bytes: transfer.uploadedBytes,
    wasted_bytes: transfer.wastedBytes,
    time_left_seconds: secondsOf(transfer.timeLeft),
    active_seconds: secondsOf(transfer.activeTime),
    added_at: transfer.addedAt?.toISOString(),
    completed_at: transfer.completedAt?.toISOString(),
    max_upload: ifAny(transfer.maxUpload),
    max_download: ifAny(transfer.maxDownload),
    priority: priorityWord(transfer.priority),
    seed_ratio: transfer.seedRatio,
    seed_time_seconds: secondsOf(transfer.seedTime),
    seeding_seconds: ifAny(secondsOf(transfer.seedingTime) ?? 0),
    traffic: ifAny(trafficJson(transfer.traffic)),
    peers: transfer.peers.map(transferPeerJson),
  };
}

/** The selected files; absent if all are. */
function selectionJson(transfer: Transfer): Readonly<Record<string, JsonValue>> {
  if (transfer.select.length === 0) return {};
  return {
    select: transfer.select,
    selected_bytes: ifAny(transfer.selectedBytes),
    selected_piece_count: ifAny(transfer.selectedPieceCount),
    selected_file_count: ifAny(transfer.selectedFileCount),
  };
}

/** A progress line of `get --json`. */
export function progressJson(transfer: Transfer): JsonObject {
  return {
    type: 'progress',
    infohash: transfer.infohash,
    name: transfer.name,
    state: stateJson(transfer.state),
    reason: transfer.reason,
    message: messageOf(transfer),
    size_bytes: ifAny(transfer.sizeBytes),
    selected_bytes: isPart(transfer) ? transfer.selectedBytes : undefined,
    done_bytes: transfer.doneBytes,
    checked_piece_count: ifAny(transfer.checkedPieceCount),
    download_rate: transfer.downloadRate,
    time_left_seconds: secondsOf(transfer.timeLeft),
    source_count: connectedSources(transfer),
  };
}

/** Number of connected peers that have sent data. */
export function connectedSources(transfer: Transfer): number {
  return transfer.peers.filter((peer) => peer.connected && peer.downloadedBytes > 0n).length;
}

/** The last line of `get --json`. */
export function doneJson(transfer: Transfer): JsonObject {
  return {
    type: 'done',
    infohash: transfer.infohash,
    name: transfer.name,
    path: transfer.path,
    size_bytes: transfer.sizeBytes,
    selected_bytes: isPart(transfer) ? transfer.selectedBytes : undefined,
    active_seconds: secondsOf(transfer.activeTime) ?? 0,
    sources: sourcesOf(transfer).map(({ name, id: peerId, downloadedBytes }) => ({
      ...peerOf(peerId, name),
      downloaded_bytes: downloadedBytes,
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
    state: stateJson(transfer.state),
    reason: transfer.reason,
    message: messageOf(transfer),
    piece_count: transfer.pieceCount,
    selected_piece_count: isPart(transfer) ? transfer.selectedPieceCount : undefined,
    good_piece_count: piecesGood,
    downloaded_bytes: bytesFetched,
  };
}

/** The last line of `share --json`. */
export function sharedJson(transfer: Transfer, shared: SharedFile, torrents: readonly string[]): JsonObject {
  return {
    type: 'shared',
    infohash: transfer.infohash,
    name: transfer.name,
    path: transfer.path,
    size_bytes: transfer.sizeBytes,
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
    size_bytes: file.sizeBytes,
    piece_length: file.pieceLength,
    file_count: file.fileCount,
    seeder_count: file.seederCount,
    leecher_count: file.leecherCount,
    shared_at: file.sharedAt?.toISOString(),
    ...publicationJson(file.publications[0]),
    publisher: publisherOf(file),
    publications: file.publications.map((its) => publicationJson(its)),
    superseded: file.superseded,
    disputed: file.disputed,
  };
}

/** The first publisher; of a file that a tracker knows only by name, its name. */
function publisherOf({ publications: [first], publisherName: sharedBy }: File): JsonValue {
  if (first) return publicationJson(first).publisher;
  return sharedBy === '' ? undefined : peerOf('', sharedBy);
}

function publicationJson(publication: Publication | undefined): Readonly<Record<string, JsonValue>> {
  const { publisher, version, publishedAt } = publication ?? {};
  const peer = publisher && peerOf(publisher.id, publisher.name);
  return { publisher: peer, version, published_at: publishedAt?.toISOString() };
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
    peer: peerOf(ban.peerId, ban.peerName),
    message: ban.message,
    banned_at: ban.bannedAt?.toISOString(),
    expires_at: ban.expiresAt?.toISOString(),
  };
}

/** A peer; with `inSwarm`, also its progress with the requested file. */
export function peerJson({ peer, banned, ...member }: KnownMember, inSwarm: boolean): JsonObject {
  return {
    type: 'peer',
    ...(peer && peerOf(peer.id, peer.name)),
    endpoint: peer?.endpoint,
    labels: peer && ifAny(peer.labels),
    version: peer?.version,
    connected_at: peer?.connectedAt?.toISOString(),
    seeding_count: peer?.seedingCount,
    leeching_count: peer?.leechingCount,
    ban_message: banned,
    ...(inSwarm && {
      seeder: member.seeder,
      left_bytes: member.leftBytes,
      downloaded_bytes: member.downloadedBytes,
      uploaded_bytes: member.uploadedBytes,
    }),
  };
}

/** A peer as it is named everywhere; also the beginning of an object that describes a peer. */
export function peerOf(id: string, name: string): { readonly id: string; readonly name: string } {
  return { id, name };
}

function transferPeerJson(peer: TransferPeer): Readonly<Record<string, JsonValue>> {
  return {
    ...peerOf(peer.id, peer.name),
    endpoint: peer.endpoint,
    connected: peer.connected,
    downloaded_bytes: peer.downloadedBytes,
    uploaded_bytes: peer.uploadedBytes,
    download_rate: peer.downloadRate,
    upload_rate: peer.uploadRate,
    ban_message: peer.banMessage,
    distance: distanceJson(peer.distance),
  };
}
