import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { PeerAddress } from './peers.js';

/** What the catalogue tells of a file. */
export interface FileSummary {
  readonly name: string;
  readonly size: number;
  readonly pieceLength: number;
  readonly fileCount: number;
}

/** What this agent is in one swarm; said again whenever a session opens. */
export interface Membership {
  readonly infohash: InfoHash;
  /** True if it was shared from here: a Share is said instead of an Announce. */
  readonly origin: boolean;
  readonly file: FileSummary | undefined;
  readonly bytesLeft: number;
  readonly bytesDownloaded: number;
  readonly bytesUploaded: number;
}

/**
 * `update` says all of it again; `numbers` says only how many bytes it is about; `shared`
 * says that it is offered again after it was withdrawn.
 */
export type MembershipEvent = 'update' | 'numbers' | 'started' | 'completed' | 'shared' | 'paused' | 'failed';

export interface SwarmListener {
  /** All peers (`snapshot`), or those that joined or changed, and those that left. */
  peers(change: { snapshot: boolean; upserted: readonly PeerAddress[]; removed: readonly PeerId[] }): void;
}

/** Whom this agent has banned, why, and in which swarm. */
export interface BanReport {
  readonly peerId: PeerId;
  readonly reason: string;
  readonly infohash: InfoHash;
}

/** Finds the peers of a swarm. */
export interface Discovery {
  /** False while nothing new can be known. */
  readonly connected: boolean;
  watch(infohash: InfoHash, listener: SwarmListener): void;
  /** Those that are named do not do: more, or others, are named to the listener in a snapshot, as many as a tracker names. */
  widen(infohash: InfoHash): void;
  unwatch(infohash: InfoHash): void;
}

/** The agent's session with its tracker, as far as transfers need it. */
export interface TrackerPort extends Discovery {
  /** Enters a swarm, or tells news of it. */
  announce(membership: Membership, event: MembershipEvent, reason?: string): void;
  withdraw(infohash: InfoHash): void;
  /** Tells the network that this agent has banned a peer; while there is no session, when there is one. */
  reportBan(ban: BanReport): void;
  /** What the tracker knows. Throws `unavailable` NO_TRACKER. */
  findFiles(query: string): Promise<readonly (FileSummary & { infohash: InfoHash })[]>;
}
