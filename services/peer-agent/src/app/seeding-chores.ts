import type { PieceStore } from './ports.js';

/** How often a part of what is seeded is looked at on disk, and numbers are told. */
const CHORES_MS = 2000;

export interface SeedingChores {
  readonly store: PieceStore;
  /** The content is not what it was. */
  readonly damaged: (error: unknown) => void;
  /** Bytes sent so far. */
  readonly sent: () => number;
  /** Tells the tracker of them. */
  readonly report: () => void;
}

/**
 * What a seeder does now and then: looks at its sealed content, until it is found
 * damaged, so that what nobody fetches is noticed as well; and tells how much it has
 * sent, if that has changed. Returns a function that ends it.
 */
export function startSeedingChores({ store, damaged, sent, report }: SeedingChores): () => void {
  let told = sent();
  const timer = setInterval(() => {
    if (sent() !== told) report();
    told = sent();
    store.patrol().catch((error: unknown) => {
      clearInterval(timer);
      damaged(error);
    });
  }, CHORES_MS);
  return () => {
    clearInterval(timer);
  };
}
