import { VERSION } from '@enjambre/common/version';
import type {
  File,
  GetStatsResponse,
  Peer,
  SwarmMember,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { NetworkStatus } from '../app/network.js';
import type { Claim } from '../domain/claims.js';
import type { Stats } from '../domain/directory.js';
import { isMeantBy, type Publications } from '../domain/publications.js';
import type { Member, Session } from '../domain/swarm.js';
import { endpointsFor, type Caller } from './reach.js';

/** Publishers of one file that an answer names: those that published it first. */
const MAX_PUBLISHERS = 8;

/** @param publisher the one that is listed in any case; empty for those that published it first */
export function fileFromClaim(
  { swarm, file, firstShare }: Claim,
  publications: Publications,
  publisher = '',
): File {
  const { infohash, seeders, leechers, claims } = swarm;
  const all = publications.of(file.name, infohash);
  const meant = publisher === '' ? [] : all.filter((its) => isMeantBy(publisher, its.publisher));
  const firsts = all.slice(0, MAX_PUBLISHERS);
  const others = meant.filter((its) => !firsts.includes(its)).slice(0, MAX_PUBLISHERS);
  const published = [...firsts.slice(0, MAX_PUBLISHERS - others.length), ...others];
  return {
    infohash,
    name: file.name,
    sizeBytes: BigInt(file.size),
    pieceLength: BigInt(file.pieceLength),
    fileCount: file.fileCount,
    seederCount: seeders.size,
    leecherCount: leechers.size,
    sharedAt: firstShare && new Date(firstShare.at),
    publisherName: firstShare?.by ?? '',
    disputed: claims.length > 1,
    publications: published.map(({ publisher, version, at, signed = '' }) => ({
      publisher: { id: publisher.id, name: publisher.name },
      version,
      publishedAt: new Date(at),
      signed: Buffer.from(signed, 'base64'),
    })),
    superseded: publications.isSuperseded(file.name, infohash),
  };
}

/** @param asker its location decides which endpoints it receives */
export function fromSession({ peer, connectedAt, seeding, leeching }: Session, asker: Caller): Peer {
  const { id, name, labels, version } = peer;
  const endpoints = [...endpointsFor(peer, asker)];
  return {
    id,
    name,
    endpoint: endpoints[0] ?? peer.endpoint,
    endpoints,
    labels,
    version,
    connectedAt: new Date(connectedAt),
    seedingCount: seeding,
    leechingCount: leeching,
  };
}

export function fromMember(member: Member, asker: Caller): SwarmMember {
  return {
    peer: fromSession(member.session, asker),
    seeder: member.seeder,
    leftBytes: BigInt(member.leftBytes),
    downloadedBytes: BigInt(member.downloadedBytes),
    uploadedBytes: BigInt(member.uploadedBytes),
  };
}

/** @param nowMs the tracker's clock */
export function fromStats(
  { startedAt, peers, files, seeders, leechers, announces, downloadsCompleted }: Stats,
  { available, others }: NetworkStatus,
  nowMs: number,
): GetStatsResponse {
  return {
    peerCount: peers,
    fileCount: files,
    seederCount: seeders,
    leecherCount: leechers,
    trackerCount: others.length + 1,
    degraded: !available,
    time: new Date(nowMs),
    startedAt: new Date(startedAt),
    version: VERSION,
    announceCount: BigInt(announces),
    completedDownloadCount: BigInt(downloadsCompleted),
  };
}
