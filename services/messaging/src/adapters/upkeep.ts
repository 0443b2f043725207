import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import type { PeerId } from '@enjambre/core/ids';

interface UpkeepParts {
  readonly exchange: { prune(connected: ReadonlySet<PeerId>): Promise<void> };
  readonly sessions: { readonly peers: ReadonlySet<PeerId> };
  readonly log: Logger;
  /** Interval of the removal of expired data, in milliseconds. @default 60000 */
  readonly pruneEveryMs?: number;
}

const PRUNE_EVERY_MS = 60_000;

/** Periodically removes expired data. */
export class Upkeep implements Startable {
  #timer: NodeJS.Timeout | undefined;
  #pruning = false;

  constructor(private readonly parts: UpkeepParts) {}

  start(): Promise<void> {
    this.#timer = setInterval(() => void this.#prune(), this.parts.pruneEveryMs ?? PRUNE_EVERY_MS);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  async #prune(): Promise<void> {
    if (this.#pruning) return;
    this.#pruning = true;
    try {
      await this.parts.exchange.prune(this.parts.sessions.peers);
    } catch (error) {
      this.parts.log.warn({ err: error }, 'expired data could not be removed: retrying');
    } finally {
      this.#pruning = false;
    }
  }
}
