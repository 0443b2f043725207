import { EnjambreError } from '@enjambre/core/error';
import { infoHashFromBytes, infoHashToBytes, peerIdFromBytes, peerIdToBytes } from '@enjambre/core/ids';
import {
  ReplicaMessage as ProtoMessage,
  ReplicaSnapshotPart,
  type ReplicaChanges,
  type ReplicaMember,
  type ReplicaSession,
} from '@enjambre/proto/gen/enjambre/tracker/v1/replica';
import { checkFileSummary } from '../../domain/file-summary.js';
import { HERE, type Reach } from '../../domain/peer.js';
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
import { MAX_ENDPOINTS } from '../reach.js';

const REPLICA_ID = /^[0-9a-f]{32}$/;
const MAX_NAME_CHARS = 64;
const MAX_ENDPOINT_CHARS = 300;
const MAX_VERSION_CHARS = 64;
/** So many parts may a snapshot have. */
export const MAX_PARTS = 4096;

/** A part of a tracker's answer. */
export interface SnapshotPart extends Snapshot {
  readonly part: number;
  readonly parts: number;
}

export function encodeMessage(message: ReplicaMessage): Uint8Array {
  const { replica: replicaId, sequence } = message;
  return ProtoMessage.encode({ replicaId, sequence: BigInt(sequence), body: fromBody(message) }).finish();
}

/** Throws if it is none: anybody on NATS can send anything. Undefined if it is of a later version. */
export function decodeMessage(data: Uint8Array): ReplicaMessage | undefined {
  const { replicaId, sequence, body } = ProtoMessage.decode(data);
  const common = { replica: checkReplicaId(replicaId), sequence: toBytes(sequence) };
  switch (body?.$case) {
    case 'heartbeat': {
      const { name, sessions, members } = body.value;
      return {
        ...common,
        type: 'heartbeat',
        name: shortText(name, MAX_NAME_CHARS),
        holdings: { sessions, members },
      };
    }
    case 'changes':
      return { ...common, type: 'changes', changes: toChanges(body.value) };
    case 'farewell':
      return { ...common, type: 'farewell' };
    case undefined:
      return undefined;
  }
}

export function encodePart(
  replicaId: ReplicaId,
  { sequence, part, parts, sessions }: SnapshotPart,
): Uint8Array {
  const said = { replicaId, sequence: BigInt(sequence), part, parts, sessions: sessions.map(fromSession) };
  return ReplicaSnapshotPart.encode(said).finish();
}

/** Throws if it is none, or of another tracker than `replica`. */
export function decodePart(replica: ReplicaId, data: Uint8Array): SnapshotPart {
  const { replicaId, sequence, part, parts, sessions } = ReplicaSnapshotPart.decode(data);
  if (replicaId !== replica) throw malformed('it is of another tracker than the one that was asked');
  if (parts < 1 || parts > MAX_PARTS || part >= parts) throw malformed('its numbers are none of a snapshot');
  return { sequence: toBytes(sequence), part, parts, sessions: sessions.map(toSession) };
}

function fromBody(message: ReplicaMessage): ProtoMessage['body'] {
  switch (message.type) {
    case 'heartbeat':
      return { $case: 'heartbeat', value: { name: message.name, ...message.holdings } };
    case 'changes':
      return { $case: 'changes', value: fromChanges(message.changes) };
    case 'farewell':
      return { $case: 'farewell', value: {} };
  }
}

function fromChanges({ ended, sessions }: Changes): ReplicaChanges {
  return {
    ended: ended.map(({ peerId, epoch }) => ({ peerId: peerIdToBytes(peerId), epoch: BigInt(epoch) })),
    sessions: sessions.map(fromSession),
  };
}

function toChanges({ ended, sessions }: ReplicaChanges): Changes {
  return {
    ended: ended.map(({ peerId, epoch }) => ({ peerId: peerIdFromBytes(peerId), epoch: toBytes(epoch) })),
    sessions: sessions.map(toSession),
  };
}

function fromSession({ peer, connectedAt, epoch, members, left }: SessionState): ReplicaSession {
  const { id, name, endpoint, reach, labels, version } = peer;
  return {
    peerId: peerIdToBytes(id),
    name,
    endpoint,
    labels: { ...labels },
    version,
    connectedAt: new Date(connectedAt),
    epoch: BigInt(epoch),
    members: members.map(fromMember),
    left: left.map(infoHashToBytes),
    endpoints: [...reach.elsewhere],
    ownHostEndpoints: [...reach.ownHost],
    host: reach.host,
  };
}

function toSession(session: ReplicaSession): SessionState {
  const { labels } = session;
  checkLabels(labels);
  const peer = {
    id: peerIdFromBytes(session.peerId),
    name: shortText(session.name, MAX_NAME_CHARS),
    endpoint: shortText(session.endpoint, MAX_ENDPOINT_CHARS),
    reach: toReach(session),
    labels,
    version: shortText(session.version, MAX_VERSION_CHARS),
  };
  return {
    peer,
    connectedAt: toTime(session.connectedAt),
    epoch: toBytes(session.epoch),
    members: session.members.map(toMember),
    left: session.left.map(infoHashFromBytes),
  };
}

/** A tracker of an older version says one endpoint only. */
function toReach({ endpoint, endpoints, ownHostEndpoints, host }: ReplicaSession): Reach {
  if (endpoints.length + ownHostEndpoints.length > 2 * MAX_ENDPOINTS)
    throw malformed('it has too many endpoints');
  const short = (text: string): string => shortText(text, MAX_ENDPOINT_CHARS);
  if (endpoints.length + ownHostEndpoints.length > 0)
    return {
      elsewhere: endpoints.map(short),
      ownHost: ownHostEndpoints.map(short),
      host: short(host),
      ports: [],
    };
  const isOwn = /^(127\.|\[::1\]|localhost:)/.test(endpoint);
  return {
    elsewhere: isOwn ? [] : [short(endpoint)],
    ownHost: isOwn ? [short(endpoint)] : [],
    host: HERE,
    ports: [],
  };
}

function fromMember(member: MemberState): ReplicaMember {
  const { infohash, seeder, bytesLeft, bytesDownloaded, bytesUploaded, file, firstShare } = member;
  return {
    infohash: infoHashToBytes(infohash),
    seeder,
    bytesLeft: BigInt(bytesLeft),
    bytesDownloaded: BigInt(bytesDownloaded),
    bytesUploaded: BigInt(bytesUploaded),
    file: file && { ...file, size: BigInt(file.size), pieceLength: BigInt(file.pieceLength) },
    sharedAt: firstShare && new Date(firstShare.at),
    sharedBy: firstShare?.by ?? '',
  };
}

function toMember({ infohash, seeder, sharedAt, sharedBy, ...member }: ReplicaMember): MemberState {
  const file = member.file && toFileSummary(member.file);
  if (file) checkFileSummary(file);
  return {
    infohash: infoHashFromBytes(infohash),
    seeder,
    bytesLeft: toBytes(member.bytesLeft),
    bytesDownloaded: toBytes(member.bytesDownloaded),
    bytesUploaded: toBytes(member.bytesUploaded),
    file,
    firstShare: sharedAt && { at: toTime(sharedAt), by: shortText(sharedBy, MAX_NAME_CHARS) },
  };
}

function checkReplicaId(id: string): ReplicaId {
  if (!REPLICA_ID.test(id)) throw malformed('its tracker has no id');
  return id;
}

function shortText(text: string, maxChars: number): string {
  if (text.length > maxChars) throw malformed(`a text in it is longer than ${maxChars} characters`);
  return text;
}

function toTime(date: Date | undefined): number {
  const time = date?.getTime() ?? NaN;
  if (Number.isNaN(time)) throw malformed('a time in it is none');
  return time;
}

function malformed(fault: string): EnjambreError {
  return new EnjambreError(
    'invalid',
    'BAD_REPLICA_MESSAGE',
    `a message of another tracker is malformed: ${fault}`,
  );
}
