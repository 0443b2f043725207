import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import type { PeerId } from '@enjambre/core/ids';

interface UpkeepParts {
  readonly server: { setServing(serving: boolean): void };
  readonly store: { readonly available: boolean };
  readonly relay: { prune(connected: ReadonlySet<PeerId>): Promise<void> };
  readonly sessions: { readonly peers: ReadonlySet<PeerId> };
  readonly log: Logger;
  /** How often what has become old is looked for, in milliseconds. @default 60000 */
  readonly pruneEveryMs?: number;
}

const READINESS_EVERY_MS = 250;
const PRUNE_EVERY_MS = 60_000;

/** What is done now and then: health follows the store, and what has become old is forgotten. */
export class Upkeep implements Startable {
  #timers: NodeJS.Timeout[] = [];
  #serving = true;
  #pruning = false;

  constructor(private readonly parts: UpkeepParts) {}

  start(): Promise<void> {
    this.#serving = true;
    this.#checkReadiness();
    this.#timers = [
      setInterval(() => this.#checkReadiness(), READINESS_EVERY_MS),
      setInterval(() => void this.#prune(), this.parts.pruneEveryMs ?? PRUNE_EVERY_MS),
    ];
    return Promise.resolve();
  }

  stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    return Promise.resolve();
  }

  #checkReadiness(): void {
    const { server, store } = this.parts;
    if (store.available === this.#serving) return;
    this.#serving = store.available;
    server.setServing(this.#serving);
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
