import type { Session } from './session.js';
import type { Swarm } from './swarm.js';
import type { Watch } from './watch.js';

/** What a member last said of its download; `none` if nothing special. */
type DownloadState = 'none' | 'started' | 'paused' | 'failed' | 'completed';

/** A peer's part in one swarm. */
export class Member {
  bytesLeft = 0;
  bytesDownloaded = 0;
  bytesUploaded = 0;
  /** True after Share: it offers the file of its own accord. */
  sharing = false;
  download: DownloadState = 'none';
  /** When its progress was last made an event, in milliseconds since 1970. */
  progressedAt = 0;
  /** Bytes that were left then. */
  progressedTo = -1;
  /** Watches that were told of it; made with the first, since most members have none. */
  #knownBy: Set<Watch> | undefined;

  constructor(
    readonly session: Session,
    readonly swarm: Swarm,
    public seeder: boolean,
  ) {}

  /** How many were told of it, and may fetch from it. */
  get fame(): number {
    return this.#knownBy?.size ?? 0;
  }

  get knownBy(): Iterable<Watch> {
    return this.#knownBy ?? [];
  }

  becomeKnownTo(watch: Watch): void {
    (this.#knownBy ??= new Set()).add(watch);
  }

  becomeUnknownTo(watch: Watch): void {
    this.#knownBy?.delete(watch);
  }
}
