import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { FileSummary } from './file-summary.js';
import type { PeerInfo } from './peer.js';
import type { FirstShare, Member, Session } from './swarm.js';

/** One start of one tracker: 32 hex digits, drawn anew at each start. */
export type ReplicaId = string;

/** A membership as trackers tell each other. */
export interface MemberState {
  readonly infohash: InfoHash;
  readonly seeder: boolean;
  readonly bytesLeft: number;
  readonly bytesDownloaded: number;
  readonly bytesUploaded: number;
  readonly file: FileSummary | undefined;
  readonly firstShare: FirstShare | undefined;
}

/** A session as it is, or what has changed of it. */
export interface SessionState {
  readonly peer: PeerInfo;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  /** Of several sessions of a peer, the one with the highest is the peer's. */
  readonly epoch: number;
  readonly members: readonly MemberState[];
  /** Swarms that it is not in any more. */
  readonly left: readonly InfoHash[];
}

/** A session that is over. */
export interface SessionEnd {
  readonly peerId: PeerId;
  readonly epoch: number;
}

/** What is new at one tracker: states, not steps, so saying it twice does no harm. Ends come first. */
export interface Changes {
  readonly ended: readonly SessionEnd[];
  readonly sessions: readonly SessionState[];
}

/** How much a tracker holds, by which others notice that they have missed something. */
export interface Holdings {
  readonly sessions: number;
  readonly members: number;
}

/** What a tracker says to all others. */
export type ReplicaMessage = {
  readonly replica: ReplicaId;
  /** Of its last changes, these included; from 1 on. */
  readonly sequence: number;
} & (
  | { readonly type: 'heartbeat'; readonly name: string; readonly holdings: Holdings }
  | { readonly type: 'changes'; readonly changes: Changes }
  | { readonly type: 'farewell' }
);

/** All sessions of a tracker after its changes up to `sequence`. */
export interface Snapshot {
  readonly sequence: number;
  /** A session may come in several parts. */
  readonly sessions: readonly SessionState[];
}

/** Hears what changes of the sessions of this tracker. */
export interface LocalChanges {
  /** The session is new, or its part in a swarm is, or is no more. */
  changed(session: Session, infohash?: InfoHash): void;
  /** Numbers of a membership are others. */
  progressed(member: Member): void;
  ended(session: Session): void;
}

export function toMemberState(member: Member): MemberState {
  const { seeder, bytesLeft, bytesDownloaded, bytesUploaded } = member;
  const { infohash, file, firstShare } = member.swarm;
  return { infohash, seeder, bytesLeft, bytesDownloaded, bytesUploaded, file, firstShare };
}

/** A session with those of its memberships that `infohashes` names. */
export function toSessionState(session: Session, infohashes: Iterable<InfoHash>): SessionState {
  const { peer, connectedAt, epoch, memberships } = session;
  const members: MemberState[] = [];
  const left: InfoHash[] = [];
  for (const infohash of infohashes) {
    const member = memberships.get(infohash);
    if (member) members.push(toMemberState(member));
    else left.push(infohash);
  }
  return { peer, connectedAt, epoch, members, left };
}
