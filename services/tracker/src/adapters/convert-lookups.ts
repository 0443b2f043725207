import { VERSION } from '@enjambre/common/version';
import type {
  File,
  GetStatsResponse,
  Peer,
  SwarmMember,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { NetworkStatus } from '../app/network.js';
import type { KnownSwarm, Stats } from '../domain/directory.js';
import type { Member } from '../domain/member.js';
import type { Session } from '../domain/session.js';

export function fromSwarm({ infohash, file, seeders, leechers, firstShare }: KnownSwarm): File {
  return {
    infohash,
    name: file.name,
    size: BigInt(file.size),
    pieceLength: BigInt(file.pieceLength),
    fileCount: file.fileCount,
    seeders: seeders.size,
    leechers: leechers.size,
    sharedAt: firstShare && new Date(firstShare.at),
    sharedBy: firstShare?.by ?? '',
  };
}

export function fromSession({ peer, connectedAt, seeding, leeching }: Session): Peer {
  const { id, name, endpoint, labels, version } = peer;
  return {
    peerId: id,
    name,
    endpoint,
    labels,
    version,
    connectedAt: new Date(connectedAt),
    seeding,
    leeching,
  };
}

export function fromMember(member: Member): SwarmMember {
  return {
    peer: fromSession(member.session),
    seeder: member.seeder,
    bytesLeft: BigInt(member.bytesLeft),
    bytesDownloaded: BigInt(member.bytesDownloaded),
    bytesUploaded: BigInt(member.bytesUploaded),
  };
}

/** @param nowMs the tracker's clock */
export function fromStats(
  { startedAt, announces, downloadsCompleted, ...counts }: Stats,
  { available, others }: NetworkStatus,
  nowMs: number,
): GetStatsResponse {
  return {
    ...counts,
    trackers: others.length + 1,
    degraded: !available,
    time: new Date(nowMs),
    startedAt: new Date(startedAt),
    version: VERSION,
    announces: BigInt(announces),
    downloadsCompleted: BigInt(downloadsCompleted),
  };
}
