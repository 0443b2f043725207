/** Constants of how agents deal with each other: the simulator runs with the same. */

/** Links of one download at most; the tracker names no more unasked. */
export const MAX_LINKS = 50;

/** Downloaders served at the same time; more wait for a slot. */
export const UPLOAD_SLOTS = 256;

/** New pieces are told in batches this far apart. */
export const HAVE_BATCH_MS = 20;

/** A choice that was held back is looked at again so soon: what was on its way to another may have got lost. */
export const PARKED_MS = 1000;

/** How often the engine is told the time. */
export const TICK_MS = 100;

/** The most that a tracker names. */
export const WIDE_WATCH_PEERS = 200;
