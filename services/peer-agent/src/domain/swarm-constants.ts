/** Constants of the protocol between agents; the simulator uses the same. */

/** Maximum number of links of one download; unasked, the tracker lists no more peers. */
export const MAX_LINKS = 50;

/** Downloaders served concurrently; more wait for a slot. */
export const UPLOAD_SLOTS = 256;

/** Haves are sent in batches at this interval. */
export const HAVE_BATCH_MS = 20;

/** Interval for reviewing requests that super-seeding holds back: a piece sent to another peer may have been lost. */
export const PARKED_MS = 1000;

/** Interval of the engine's tick. */
export const TICK_MS = 100;

/** Maximum number of peers that a tracker lists. */
export const WIDE_WATCH_PEERS = 200;
