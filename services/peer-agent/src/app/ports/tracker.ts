import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { Publication } from '../../domain/publication.js';
import type { PeerAddress } from './peers.js';

/** Summary of a file in the catalogue. */
export interface FileSummary {
  readonly name: string;
  readonly size: number;
  readonly pieceLength: number;
  readonly fileCount: number;
}

/** A file in the catalogue. */
export interface SharedFile extends FileSummary {
  readonly infohash: InfoHash;
  /** Who has published it under its name, the first publisher first; empty if nobody is known. */
  readonly publications: readonly Publication[];
  /** Each of its publishers has a newer version of the name, which connected peers have. */
  readonly superseded: boolean;
  /** True if publishers claim different things of it. */
  readonly disputed: boolean;
}

/** This agent's state in one swarm; announced again in each new session. */
export interface Membership {
  readonly infohash: InfoHash;
  /** True if this agent shared the content: the message is a Share instead of an Announce. */
  readonly origin: boolean;
  readonly file: FileSummary | undefined;
  readonly leftBytes: number;
  readonly downloadedBytes: number;
  readonly uploadedBytes: number;
  /** Since the Unix epoch. A new session repeats shares in this order, so that the last one is the newest version. */
  readonly addedAtMs: number;
  /** Signed publications of the content, in base64: this agent's own, and the one that it has it from. */
  readonly signed: readonly string[];
}

/** Signs what this agent publishes. */
export interface PublicationSigner {
  /** The signed publication, in base64. */
  sign(facts: {
    readonly infohash: InfoHash;
    readonly name: string;
    readonly version: number;
    readonly publishedAtMs: number;
  }): string;
}

/**
 * `completed` with bytes left means that all selected files are complete; `update` repeats the complete membership; `numbers` updates the byte counts only; `shared` means that the content is
 * offered again after a withdrawal.
 */
export type MembershipEvent = 'update' | 'numbers' | 'started' | 'completed' | 'shared' | 'paused' | 'failed';

export interface SwarmListener {
  /** All peers (`snapshot`), or those that joined or changed, and those that left. */
  peers(change: { snapshot: boolean; upserted: readonly PeerAddress[]; removed: readonly PeerId[] }): void;
}

/** A ban by this agent: the peer, the reason and the swarm. */
export interface BanReport {
  readonly peerId: PeerId;
  readonly reason: string;
  readonly infohash: InfoHash;
}

/** Finds the peers of a swarm. */
export interface Discovery {
  /** False while no news can arrive. */
  readonly connected: boolean;
  /**
   * Reports the peers of a swarm: a snapshot in every session, then each change. The listener is never called before
   * this call returns.
   */
  watch(infohash: InfoHash, listener: SwarmListener): void;
  /**
   * The listed peers do not suffice: requests more, or others. They arrive as a snapshot of at most the tracker's
   * maximum.
   */
  widen(infohash: InfoHash): void;
  /** Ends the watch: its listener is not called again. */
  unwatch(infohash: InfoHash): void;
}

/** Why a download failed. */
export interface Failure {
  /** A constant in UPPER_SNAKE_CASE; empty if unknown. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
}

export interface FindOptions {
  /**
   * Only versions of the name by this publisher, its name or at least 8 digits of its id. Older trackers do not know
   * this. @default any
   */
  readonly publisher?: string;
  /** Ends the look-up: it then throws. */
  readonly signal?: AbortSignal | undefined;
}

/** The agent's session with its tracker, as far as transfers use it. */
export interface TrackerPort extends Discovery {
  /**
   * Joins a swarm, or updates this agent's state in it. Without a session the event is reported when one opens. Every
   * session begins with the last membership of each swarm.
   */
  announce(membership: Membership, event: MembershipEvent, failure?: Failure): void;
  /** Leaves a swarm. Without effect if this agent is not in it. */
  withdraw(infohash: InfoHash): void;
  /** Reports a banned peer to the network; queued while there is no session. */
  reportBan(ban: BanReport): void;
  /**
   * Looks up a name, or the first 8 or more digits of an infohash, in the tracker's catalogue. Throws `unavailable`
   * NO_TRACKER, and `precondition` AMBIGUOUS_REF for more than 1,000 files.
   */
  findFiles(query: string, options?: FindOptions): Promise<readonly SharedFile[]>;
}
