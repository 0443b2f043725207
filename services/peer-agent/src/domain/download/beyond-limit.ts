import type { PendingRequest } from './peer-requests.js';
import type { PeerState } from './peer-state.js';

/** A request, and whose it is to answer. */
export interface Asked {
  readonly peer: PeerState;
  readonly request: PendingRequest;
}

/** Requests that are still wanted, but for the oldest ones of `keepBytes` together: those come first. */
export function beyond(peers: Iterable<PeerState>, keepBytes: number): Asked[] {
  const asked: Asked[] = [];
  for (const peer of peers)
    for (const request of peer.requests.values()) if (!request.cancelled) asked.push({ peer, request });
  asked.sort((one, other) => one.request.askedMs - other.request.askedMs);
  let bytes = 0;
  return asked.filter(({ request }) => (bytes += request.bytes) > keepBytes);
}
