import { CONTENT_CHANGED } from '../ports/piece-store.js';
import { startSeedingChores, type SeedingChores } from './seeding-chores.js';
import { Serving, type ServingComponents } from './serving.js';

/** What a transfer offers to others: first what a download has so far, then all of it. */
export class Offering {
  #serving: Serving | undefined;
  #endChores: (() => void) | undefined;

  /** What others may fetch; undefined while nothing is served. */
  get serving(): Serving | undefined {
    return this.#serving;
  }

  /** Offers what a download has so far. */
  begin(serving: Serving): void {
    this.#serving = serving;
  }

  /** Offers all of it; peers that fetch from the download stay connected. */
  seed(parts: ServingComponents & SeedingChores): void {
    this.#serving ??= new Serving(parts);
    this.#endChores = startSeedingChores(parts);
  }

  endChores(): void {
    this.#endChores?.();
  }

  /** @param reason why the transfer is halted */
  end(message: string, reason?: string): void {
    this.#serving?.stop(message, reason === CONTENT_CHANGED ? reason : undefined);
    this.#serving = undefined;
  }
}
