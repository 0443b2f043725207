import type { PieceStore } from '../ports/piece-store.js';
import type { Clock } from '@enjambre/common/async/clock';

/** How often a part of what is seeded is looked at on disk, and numbers are told. */
const CHORES_MS = 2000;

export interface SeedingChores {
  readonly clock: Clock;
  readonly store: PieceStore;
  /** What it has sent so far. */
  readonly ledger: { readonly uploaded: number };
  /** The content is not what it was. */
  readonly damaged: (error: unknown) => void;
  /** Files changed that were hashed and found right: this is the fingerprint of them now. */
  readonly resealed: (fingerprint: string) => void;
  /** More was sent. */
  readonly sent: () => void;
}

/**
 * What a seeder does now and then: looks at its sealed content, until it is found
 * damaged, so that what nobody fetches is noticed as well; and tells that it has
 * sent more. Returns a function that ends it.
 */
export function startSeedingChores(parts: SeedingChores): () => void {
  const { clock, store, ledger, damaged, resealed, sent } = parts;
  let told = ledger.uploaded;
  let isLooking = false;
  let isOver = false;
  const timer = clock.every(CHORES_MS, () => {
    if (ledger.uploaded !== told) sent();
    told = ledger.uploaded;
    if (isLooking) return; // A large file that changed is being hashed.
    isLooking = true;
    store
      .patrol()
      .then((fingerprint) => {
        isLooking = false;
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
