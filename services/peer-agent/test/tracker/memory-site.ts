import type { TrackerPort } from '../../src/app/ports/tracker.js';
import { MemoryTracker, type Heard as HeardInMemory } from '../support/memory-tracker.js';
import type { Heard, TrackerSite } from './contract.js';

/** A tracker in memory. @param between wraps the port under test */
export function memorySite(between = (tracker: TrackerPort): TrackerPort => tracker): TrackerSite {
  const memory = new MemoryTracker(false);
  return {
    tracker: between(memory),
    open: () => {
      memory.open();
      return Promise.resolve();
    },
    lose: () => {
      memory.lose();
      return Promise.resolve();
    },
    join: (infohash, peer, beyond) => memory.join(infohash, peer, beyond),
    leave: (infohash, peer) => memory.leave(infohash, peer),
    catalogue: (file) => memory.files.push(file),
    heard: () => (memory.sessions.at(-1) ?? []).map(wordOf),
    close: () => Promise.resolve(),
  };
}

/** As converted for the wire. */
function wordOf(heard: HeardInMemory): Heard {
  if (heard.type !== 'announce') return heard;
  const { membership, event, reason, message } = heard;
  const { infohash, origin, leftBytes } = membership;
  if (event === 'shared' || (origin && event !== 'numbers'))
    return { type: 'offer', infohash, isNew: event === 'shared' || event === 'started' };
  return {
    type: 'announce',
    infohash,
    event: event === 'update' || event === 'numbers' ? '' : event,
    leftBytes,
    reason,
    message,
  };
}
