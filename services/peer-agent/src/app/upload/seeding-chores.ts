import type { PieceStore } from '../ports/piece-store.js';
import type { Clock } from '@enjambre/common/async/clock';

/** Interval of scrub steps, of announcements of byte counts and of looks at the seeding limits. */
const CHORES_MS = 2000;

export interface SeedingChores {
  readonly clock: Clock;
  readonly store: PieceStore;
  /** Counts the bytes sent so far. */
  readonly ledger: { readonly uploaded: number };
  /** The content has changed. */
  readonly damaged: (error: unknown) => void;
  /** Files changed, but have the right content: receives the new fingerprint. */
  readonly resealed: (fingerprint: string) => void;
  /** More bytes were sent. */
  readonly sent: () => void;
  /** Called at each interval. */
  readonly elapsed: () => void;
}

/**
 * Periodic work of a seeder: scrubs the sealed content, so that damage is also found in files that no peer fetches, and
 * announces byte counts. Scrubbing ends once damage is found. Returns a function that ends all of it.
 */
export function startSeedingChores(parts: SeedingChores): () => void {
  const { clock, store, ledger, damaged, resealed, sent, elapsed } = parts;
  let announced = ledger.uploaded;
  let isScrubbing = false;
  let isOver = false;
  const timer = clock.every(CHORES_MS, () => {
    if (ledger.uploaded !== announced) sent();
    announced = ledger.uploaded;
    elapsed();
    if (isScrubbing) return; // A large file that changed is being hashed.
    isScrubbing = true;
    store
      .patrol()
      .then((fingerprint) => {
        isScrubbing = false;
        if (fingerprint !== undefined && !isOver) resealed(fingerprint);
      })
      .catch((error: unknown) => {
        timer.cancel();
        if (!isOver) damaged(error);
      });
  });
  return () => {
    isOver = true;
    timer.cancel();
  };
}
