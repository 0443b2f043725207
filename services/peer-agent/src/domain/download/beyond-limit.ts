import type { PendingRequest } from './peer-requests.js';
import type { PeerState } from './peer-state.js';

/** A request and the peer that must answer it. */
export interface Asked {
  readonly peer: PeerState;
  readonly request: PendingRequest;
}

/** All requests still wanted, except the oldest ones that add up to `keepBytes`. */
export function beyond(peers: Iterable<PeerState>, keepBytes: number): Asked[] {
  const asked: Asked[] = [];
  for (const peer of peers)
    for (const request of peer.requests.values()) if (!request.cancelled) asked.push({ peer, request });
  asked.sort((one, other) => one.request.askedMs - other.request.askedMs);
  let bytes = 0;
  return asked.filter(({ request }) => (bytes += request.bytes) > keepBytes);
}
