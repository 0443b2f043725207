import { parsePublication } from '@enjambre/common/identity/publication-record';
import {
  infoHashFromBytes,
  infoHashToBytes,
  parseInfoHash,
  parsePeerId,
  peerIdFromBytes,
  peerIdToBytes,
  type InfoHash,
  type PeerId,
} from '@enjambre/core/ids';
import { labelsFault } from '@enjambre/core/labels';
import {
  AnnounceEvent,
  type File,
  type FileSummary as WireSummary,
  type PeerDelta,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type {
  BanReport,
  Failure,
  FileSummary,
  Membership,
  MembershipEvent,
  SharedFile,
} from '../../app/ports/tracker.js';
import { MAX_SIGNED_CHARS, type Publication } from '../../domain/publication.js';
import type { PeerAddress } from '../../app/ports/peers.js';
import type { TrackerMessage } from './tracker-session.js';

/** Maximum number of addresses kept per peer. */
const MAX_ENDPOINTS = 20;

const EVENTS: Readonly<Record<MembershipEvent, AnnounceEvent>> = {
  update: AnnounceEvent.UNSPECIFIED,
  numbers: AnnounceEvent.UNSPECIFIED,
  started: AnnounceEvent.STARTED,
  completed: AnnounceEvent.COMPLETED,
  shared: AnnounceEvent.UNSPECIFIED,
  paused: AnnounceEvent.PAUSED,
  failed: AnnounceEvent.FAILED,
};

/** The message that announces a membership: a Share for content shared by this agent, otherwise an Announce. */
export function membershipMessage(
  membership: Membership,
  event: MembershipEvent,
  { reason, message }: Failure = { reason: '', message: '' },
): TrackerMessage {
  const infohash = infoHashToBytes(membership.infohash);
  const isPart = event === 'completed' && membership.leftBytes > 0;
  const file = membership.file && summaryToWire(membership.file);
  const publications = event === 'numbers' ? [] : publicationsOf(membership);
  if (event === 'shared' || (membership.origin && event !== 'numbers')) {
    const restated = event !== 'started' && event !== 'shared';
    return { $case: 'share', value: { infohash, file, restated, publications } };
  }
  return {
    $case: 'announce',
    value: {
      infohash,
      event: isPart ? AnnounceEvent.PART_COMPLETED : EVENTS[event],
      leftBytes: BigInt(membership.leftBytes),
      downloadedBytes: BigInt(membership.downloadedBytes),
      uploadedBytes: BigInt(membership.uploadedBytes),
      file,
      message: message.slice(0, 512),
      reason,
      publications,
    },
  };
}

/** Those of this content under its own name: what a tracker listed may be of another. */
function publicationsOf({ infohash, file, signed }: Membership): Buffer[] {
  return signed
    .map((text) => Buffer.from(text, 'base64'))
    .filter((bytes) => {
      try {
        const its = parsePublication(bytes);
        return its.infohash === infohash && its.name === file?.name;
      } catch {
        return false;
      }
    });
}

export function banMessage({ peerId, reason, infohash }: BanReport): TrackerMessage {
  const value = { peerId: peerIdToBytes(peerId), message: reason, infohash: infoHashToBytes(infohash) };
  return { $case: 'ban', value };
}

/** Throws if an id does not have 32 bytes. */
export function deltaFromWire(delta: PeerDelta): {
  infohash: InfoHash;
  snapshot: boolean;
  upserted: PeerAddress[];
  removed: PeerId[];
} {
  return {
    infohash: infoHashFromBytes(delta.infohash),
    snapshot: delta.snapshot,
    upserted: delta.upserted.map(({ id: peerId, name, endpoint, endpoints, seeder, labels }) => ({
      peerId: peerIdFromBytes(peerId),
      name,
      endpoint,
      ...(endpoints.length > 0 && { endpoints: endpoints.slice(0, MAX_ENDPOINTS) }),
      seeder,
      labels: labelsFault(labels) === undefined ? labels : {},
    })),
    removed: delta.removed.map((peerId) => peerIdFromBytes(peerId)),
  };
}

export function fileFromWire(file: File): SharedFile {
  return {
    infohash: parseInfoHash(file.infohash),
    name: file.name,
    size: Number(file.sizeBytes),
    pieceLength: Number(file.pieceLength),
    fileCount: file.fileCount,
    publications: publicationsFromWire(file),
    superseded: file.superseded,
    disputed: file.disputed,
  };
}

/** Publications that have all their facts. */
function publicationsFromWire({ publications }: File): Publication[] {
  return publications.flatMap(({ publisher, version, publishedAt, signed }) => {
    if (!publisher || version < 1 || !publishedAt) return [];
    const { id: peerId, name } = publisher;
    return [
      {
        publisher: { id: parsePeerId(peerId), name },
        version,
        publishedAtMs: publishedAt.getTime(),
        ...signedFromWire(signed),
      },
    ];
  });
}

function signedFromWire(bytes: Uint8Array): Pick<Publication, 'signed'> {
  const signed = Buffer.from(bytes).toString('base64');
  return signed === '' || signed.length > MAX_SIGNED_CHARS ? {} : { signed };
}

function summaryToWire({ name, size, pieceLength, fileCount }: FileSummary): WireSummary {
  return { name, sizeBytes: BigInt(size), pieceLength: BigInt(pieceLength), fileCount };
}
