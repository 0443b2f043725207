import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import type { PeerId } from '@enjambre/core/ids';

interface UpkeepParts {
  readonly relay: { prune(connected: ReadonlySet<PeerId>): Promise<void> };
  readonly sessions: { readonly peers: ReadonlySet<PeerId> };
  readonly log: Logger;
  /** How often what has become old is looked for, in milliseconds. @default 60000 */
  readonly pruneEveryMs?: number;
}

const PRUNE_EVERY_MS = 60_000;

/** What is done now and then: what has become old is forgotten. */
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
      await this.parts.relay.prune(this.parts.sessions.peers);
    } catch (error) {
      this.parts.log.warn({ err: error }, 'what has become old could not be forgotten: it is tried again');
    } finally {
      this.#pruning = false;
    }
  }
}
