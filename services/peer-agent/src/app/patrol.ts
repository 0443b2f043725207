import type { PieceStore } from './ports.js';

/** How often a part of what is seeded is looked at on disk. */
const PATROL_MS = 2000;

/**
 * Looks at sealed content again and again, until it is found damaged: what nobody fetches
 * is noticed as well. Returns a function that ends it.
 */
export function patrol(store: PieceStore, damaged: (error: unknown) => void): () => void {
  const timer = setInterval(() => {
    store.patrol().catch((error: unknown) => {
      clearInterval(timer);
      damaged(error);
    });
  }, PATROL_MS);
  return () => {
    clearInterval(timer);
  };
}
