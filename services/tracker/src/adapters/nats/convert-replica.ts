import {
  infoHashFromBytes,
  infoHashToBytes,
  peerIdFromBytes,
  peerIdToBytes,
  shortId,
} from '@enjambre/core/ids';
import { canonicalName } from '@enjambre/core/peer-names';
import {
  ReplicaMessage as ProtoMessage,
  ReplicaSnapshotPart,
  type ReplicaChanges,
  type ReplicaMember,
  type ReplicaSession,
} from '@enjambre/proto/gen/enjambre/tracker/v1/replica';
import type { FileSummary as ProtoFileSummary } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { checkFileSummary, type FileSummary } from '../../domain/file-summary.js';
import type {
  Changes,
  MemberState,
  ReplicaId,
  ReplicaMessage,
  SessionState,
  Snapshot,
} from '../../domain/replica-state.js';
import { toBytes, toFileSummary } from '../convert.js';
import { checkLabels } from '../hello.js';
import type { TrackerHost } from '../tracker-host.js';
import { fromReach, toReach, type Between } from './convert-reach.js';
import { malformed, shortText, toEndpoint } from './malformed.js';

const REPLICA_ID = /^[0-9a-f]{32}$/;
const MAX_NAME_CHARS = 64;
const MAX_VERSION_CHARS = 64;
const MAX_PARTY_CHARS = 64;
/** Maximum number of parts of a snapshot. */
export const MAX_PARTS = 4096;

/** A part of a tracker's snapshot. */
export interface SnapshotPart extends Snapshot {
  readonly part: number;
  readonly parts: number;
}

/** @param host host of the sending tracker */
export function encodeMessage(message: ReplicaMessage, host: TrackerHost): Uint8Array {
  const { replica: replicaId, sequence } = message;
  return ProtoMessage.encode({
    replicaId,
    sequence: BigInt(sequence),
    body: fromBody(message, host),
  }).finish();
}

/**
 * Throws if it is malformed: any NATS client can send anything. Undefined for a message of a later version.
 *
 * @param host host of the receiving tracker
 */
export function decodeMessage(data: Uint8Array, host: TrackerHost): ReplicaMessage | undefined {
  const { replicaId, sequence, body } = ProtoMessage.decode(data);
  const common = { replica: checkReplicaId(replicaId), sequence: toBytes(sequence) };
  switch (body?.$case) {
    case 'heartbeat': {
      const { name, sessionCount: sessions, memberCount: members } = body.value;
      return {
        ...common,
        type: 'heartbeat',
        name: shortText(name, MAX_NAME_CHARS),
        holdings: { sessions, members },
      };
    }
    case 'changes':
      return { ...common, type: 'changes', changes: toChanges(body.value, { replica: replicaId, host }) };
    case 'farewell':
      return { ...common, type: 'farewell' };
    case undefined:
      return undefined;
  }
}

export function encodePart(
  replicaId: ReplicaId,
  { sequence, part, parts, sessions }: SnapshotPart,
  host: TrackerHost,
): Uint8Array {
  const said = { replicaId, sequence: BigInt(sequence), part, partCount: parts };
  const told = sessions.map((session) => fromSession(session, host));
  return ReplicaSnapshotPart.encode({ ...said, sessions: told }).finish();
}

/** Throws if it is malformed, or from another tracker than `replica`. */
export function decodePart(replica: ReplicaId, data: Uint8Array, host: TrackerHost): SnapshotPart {
  const { replicaId, sequence, part, partCount: parts, sessions } = ReplicaSnapshotPart.decode(data);
  if (replicaId !== replica) throw malformed('it is from another tracker than the requested one');
  if (parts < 1 || parts > MAX_PARTS || part >= parts) throw malformed('its part numbers are invalid');
  return {
    sequence: toBytes(sequence),
    part,
    parts,
    sessions: sessions.map((session) => toSession(session, { replica, host })),
  };
}

function fromBody(message: ReplicaMessage, host: TrackerHost): ProtoMessage['body'] {
  switch (message.type) {
    case 'heartbeat': {
      const { sessions: sessionCount, members: memberCount } = message.holdings;
      return { $case: 'heartbeat', value: { name: message.name, sessionCount, memberCount } };
    }
    case 'changes':
      return { $case: 'changes', value: fromChanges(message.changes, host) };
    case 'farewell':
      return { $case: 'farewell', value: {} };
  }
}

function fromChanges({ ended, sessions }: Changes, host: TrackerHost): ReplicaChanges {
  return {
    ended: ended.map(({ peerId, epoch }) => ({ peerId: peerIdToBytes(peerId), epoch: BigInt(epoch) })),
    sessions: sessions.map((session) => fromSession(session, host)),
  };
}

function toChanges({ ended, sessions }: ReplicaChanges, between: Between): Changes {
  return {
    ended: ended.map(({ peerId, epoch }) => ({ peerId: peerIdFromBytes(peerId), epoch: toBytes(epoch) })),
    sessions: sessions.map((session) => toSession(session, between)),
  };
}

function fromSession(
  { peer, connectedAt, epoch, party, members, left }: SessionState,
  trackerHost: TrackerHost,
): ReplicaSession {
  const { id, name, endpoint, reach, labels, version } = peer;
  return {
    peerId: peerIdToBytes(id),
    name,
    endpoint,
    labels: { ...labels },
    version,
    connectedAt: new Date(connectedAt),
    epoch: BigInt(epoch),
    party,
    members: members.map(fromMember),
    left: left.map(infoHashToBytes),
    ...fromReach(reach, trackerHost),
  };
}

function toSession(session: ReplicaSession, between: Between): SessionState {
  const { labels } = session;
  checkLabels(labels);
  const peer = {
    id: peerIdFromBytes(session.peerId),
    name: toName(session),
    endpoint: toEndpoint(session.endpoint),
    reach: toReach(session, between),
    labels,
    version: shortText(session.version, MAX_VERSION_CHARS),
  };
  return {
    peer,
    connectedAt: toTime(session.connectedAt),
    epoch: toBytes(session.epoch),
    party: shortText(session.party, MAX_PARTY_CHARS),
    members: session.members.map(toMember),
    left: session.left.map(infoHashFromBytes),
  };
}

/** An older tracker may send a name in another form; what no agent of this version can have is replaced. */
function toName({ name, peerId }: ReplicaSession): string {
  const claimed = shortText(name, MAX_NAME_CHARS);
  try {
    return canonicalName(claimed);
  } catch {
    return shortId(peerIdFromBytes(peerId));
  }
}

function fromMember(member: MemberState): ReplicaMember {
  const { infohash, seeder, sharing, leftBytes, downloadedBytes, uploadedBytes, file, firstShare } = member;
  return {
    infohash: infoHashToBytes(infohash),
    seeder,
    leftBytes: BigInt(leftBytes),
    downloadedBytes: BigInt(downloadedBytes),
    uploadedBytes: BigInt(uploadedBytes),
    file: file && fromFileSummary(file),
    sharedAt: firstShare && new Date(firstShare.at),
    publisherName: firstShare?.by ?? '',
    sharing,
  };
}

function fromFileSummary({ name, size, pieceLength, fileCount }: FileSummary): ProtoFileSummary {
  return { name, sizeBytes: BigInt(size), pieceLength: BigInt(pieceLength), fileCount };
}

function toMember({
  infohash,
  seeder,
  sharing,
  sharedAt,
  publisherName: sharedBy,
  ...member
}: ReplicaMember): MemberState {
  const file = member.file && toFileSummary(member.file);
  if (file) checkFileSummary(file);
  return {
    infohash: infoHashFromBytes(infohash),
    seeder,
    sharing,
    leftBytes: toBytes(member.leftBytes),
    downloadedBytes: toBytes(member.downloadedBytes),
    uploadedBytes: toBytes(member.uploadedBytes),
    file,
    firstShare: sharedAt && { at: toTime(sharedAt), by: shortText(sharedBy, MAX_NAME_CHARS) },
  };
}

function checkReplicaId(id: string): ReplicaId {
  if (!REPLICA_ID.test(id)) throw malformed('it has no valid tracker id');
  return id;
}

function toTime(date: Date | undefined): number {
  const time = date?.getTime() ?? NaN;
  if (Number.isNaN(time)) throw malformed('it has an invalid time');
  return time;
}
