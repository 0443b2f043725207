import { parsePublication } from '@enjambre/common/identity/publication-record';
import { EnjambreError } from '@enjambre/core/error';
import {
  infoHashFromBytes,
  infoHashToBytes,
  peerIdFromBytes,
  peerIdToBytes,
  type InfoHash,
  type PeerId,
} from '@enjambre/core/ids';
import {
  AnnounceEvent,
  type Announce,
  type Ban,
  type ConnectRequest,
  type ConnectResponse,
  type FileSummary as ProtoFileSummary,
  type Share,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { BanClaim } from '../domain/ban-claims.js';
import type { DownloadNews } from '../domain/download-progress.js';
import type { SwarmPeer } from '../domain/effects.js';
import type { FileSummary } from '../domain/file-summary.js';
import { endpointsFor, type Caller } from './reach.js';
import type { SignedVersion } from '../domain/publications.js';
import type { Offer, Report } from '../domain/swarm-registry.js';

const MAX_REASON_CHARS = 512;
const INFOHASH_BYTES = 32;
/** Publications of one message that are read. */
const MAX_PUBLICATIONS = 4;

const NEWS: Readonly<Partial<Record<AnnounceEvent, DownloadNews>>> = {
  [AnnounceEvent.UNSPECIFIED]: 'progressed',
  [AnnounceEvent.STARTED]: 'started',
  [AnnounceEvent.COMPLETED]: 'completed',
  [AnnounceEvent.PAUSED]: 'paused',
  [AnnounceEvent.FAILED]: 'failed',
  [AnnounceEvent.PART_COMPLETED]: 'part-completed',
};

/** Throws `invalid` INVALID_INFOHASH, MISSING_FILE or INVALID_SIZE. */
export function toOffer({ infohash, file, restated, publications }: Share): Offer {
  if (!file) throw new EnjambreError('invalid', 'MISSING_FILE', 'a share must describe the file');
  return {
    infohash: infoHashFromBytes(infohash),
    file: toFileSummary(file),
    restated,
    publications: toSignedVersions(publications),
  };
}

/** Those that this version can read: the format may have changed. */
function toSignedVersions(publications: readonly Uint8Array[]): SignedVersion[] {
  return publications.slice(0, MAX_PUBLICATIONS).flatMap((bytes) => {
    try {
      const { publisherId, publisherName, ...record } = parsePublication(bytes);
      const publisher = { id: publisherId, name: publisherName };
      return [{ ...record, publisher, signed: Buffer.from(bytes).toString('base64') }];
    } catch {
      return [];
    }
  });
}

/** A reason for programs; anything else is ignored. */
const REASON = /^[A-Z][A-Z0-9_]{0,63}$/;

/**
 * For an unknown event of a newer agent, only the numbers count. Throws `invalid` INVALID_INFOHASH,
 * INVALID_REASON or INVALID_SIZE.
 */
export function toReport(announce: Announce): Report {
  const news = NEWS[announce.event] ?? 'progressed';
  checkReason(announce.message);
  return {
    infohash: infoHashFromBytes(announce.infohash),
    news,
    leftBytes: toBytes(announce.leftBytes),
    downloadedBytes: toBytes(announce.downloadedBytes),
    uploadedBytes: toBytes(announce.uploadedBytes),
    file: announce.file && toFileSummary(announce.file),
    publications: toSignedVersions(announce.publications),
    reason: REASON.test(announce.reason) ? announce.reason : '',
    message: announce.message,
  };
}

/** Throws `invalid` INVALID_PEER_ID, INVALID_INFOHASH or INVALID_REASON. */
export function toBanClaim({ peerId, message: reason, infohash }: Ban): BanClaim {
  if (reason === '') throw new EnjambreError('invalid', 'INVALID_REASON', 'a ban must have a reason');
  checkReason(reason);
  return {
    peerId: peerIdFromBytes(peerId),
    reason,
    infohash: infohash.length === 0 ? undefined : infoHashFromBytes(infohash),
  };
}

/** The message with an agent's changes of a swarm: only peers that it can reach from its location. */
export function fromDelta(
  infohash: InfoHash,
  delta: { snapshot: boolean; upserted: ReadonlyMap<PeerId, SwarmPeer>; removed: ReadonlySet<PeerId> },
  reader: Caller,
): ConnectResponse {
  const upserted = [];
  const removed = [...delta.removed].map(peerIdToBytes);
  for (const { peer, seeder } of delta.upserted.values()) {
    const endpoints = [...endpointsFor(peer, reader)];
    const endpoint = endpoints[0] ?? peer.endpoint;
    const id = peerIdToBytes(peer.id);
    const { name, labels } = peer;
    upserted.push({ id, name, endpoint, seeder, labels, endpoints });
  }
  const value = { infohash: infoHashToBytes(infohash), snapshot: delta.snapshot, upserted, removed };
  return { message: { $case: 'peerDelta', value } };
}

/** The Problem for `request`. An invalid infohash is not sent back. */
export function fromProblem({ sequence, message }: ConnectRequest, error: EnjambreError): ConnectResponse {
  const named = message && 'infohash' in message.value ? message.value.infohash : new Uint8Array();
  const infohash = named.length === INFOHASH_BYTES ? named : new Uint8Array();
  const value = { sequence, infohash, reason: error.reason, message: error.message };
  return { message: { $case: 'problem', value } };
}

function checkReason(reason: string): void {
  if (reason.length <= MAX_REASON_CHARS) return;
  const message = `a reason has at most ${MAX_REASON_CHARS} characters`;
  throw new EnjambreError('invalid', 'INVALID_REASON', message);
}

export function toFileSummary({
  name,
  sizeBytes: size,
  pieceLength,
  fileCount,
}: ProtoFileSummary): FileSummary {
  return { name, size: toBytes(size), pieceLength: toBytes(pieceLength), fileCount };
}

export function toBytes(count: bigint): number {
  const bytes = Number(count);
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new EnjambreError(
    'invalid',
    'INVALID_SIZE',
    `${count.toString()} bytes are too many: give less than 2^53`,
  );
}
