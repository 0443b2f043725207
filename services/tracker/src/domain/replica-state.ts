import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { FileSummary } from './file-summary.js';
import type { PeerInfo } from './peer.js';
import type { FirstShare } from './claims.js';
import type { Member, Session } from './swarm.js';

/** Id of one run of one tracker: 32 hex digits, random at each start. */
export type ReplicaId = string;

/** A membership as sent between trackers. */
export interface MemberState {
  readonly infohash: InfoHash;
  readonly seeder: boolean;
  /** See {@link Member.sharing}. */
  readonly sharing: boolean;
  readonly leftBytes: number;
  readonly downloadedBytes: number;
  readonly uploadedBytes: number;
  /** What this peer says of the file. */
  readonly file: FileSummary | undefined;
  /** The first share with that description. */
  readonly firstShare: FirstShare | undefined;
}

/** A session, or its changes. */
export interface SessionState {
  /** Under its own name: each tracker finds out which peer used a name first. */
  readonly peer: PeerInfo;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  /** Among sessions of a peer, the one with the highest epoch wins. */
  readonly epoch: number;
  /** See {@link Session.party}. */
  readonly party: string;
  readonly members: readonly MemberState[];
  /** Swarms that it has left. */
  readonly left: readonly InfoHash[];
}

/** An ended session. */
export interface SessionEnd {
  readonly peerId: PeerId;
  readonly epoch: number;
}

/**
 * Changes at one tracker: states, not deltas, so applying them twice has no effect. Ends are applied first.
 */
export interface Changes {
  readonly ended: readonly SessionEnd[];
  readonly sessions: readonly SessionState[];
}

/** Size of a tracker's state, by which others detect missed messages. */
export interface Holdings {
  readonly sessions: number;
  readonly members: number;
}

/** A message from a tracker to all others. */
export type ReplicaMessage = {
  readonly replica: ReplicaId;
  /** Sequence of its last changes, including these; from 1. */
  readonly sequence: number;
} & (
  | { readonly type: 'heartbeat'; readonly name: string; readonly holdings: Holdings }
  | { readonly type: 'changes'; readonly changes: Changes }
  | { readonly type: 'farewell' }
);

/** All sessions of a tracker after its changes up to `sequence`. */
export interface Snapshot {
  readonly sequence: number;
  /** A session may be split into several parts. */
  readonly sessions: readonly SessionState[];
}

/** Receives the changes of this tracker's sessions. */
export interface LocalChanges {
  /** The session is new, or its membership in a swarm is new, changed or ended. */
  changed(session: Session, infohash?: InfoHash): void;
  /** The numbers of a membership have changed. */
  progressed(member: Member): void;
  ended(session: Session): void;
}

export function toMemberState(member: Member): MemberState {
  const { seeder, sharing, leftBytes, downloadedBytes, uploadedBytes } = member;
  const { swarm, claim } = member;
  const { file, firstShare } = claim ?? {};
  const numbers = { leftBytes, downloadedBytes, uploadedBytes };
  return { infohash: swarm.infohash, seeder, sharing, ...numbers, file, firstShare };
}

/** A session with its memberships in the swarms of `infohashes`. */
export function toSessionState(session: Session, infohashes: Iterable<InfoHash>): SessionState {
  const { introduced: peer, connectedAt, epoch, party, memberships } = session;
  const members: MemberState[] = [];
  const left: InfoHash[] = [];
  for (const infohash of infohashes) {
    const member = memberships.get(infohash);
    if (member) members.push(toMemberState(member));
    else left.push(infohash);
  }
  return { peer, connectedAt, epoch, party, members, left };
}
