import type { PeerId } from '@enjambre/core/ids';
import type { ActivePiece } from './picker/active-piece.js';
import type { PiecePicker } from './picker/piece-picker.js';
import type { PeerState } from './peer-state.js';

/**
 * Whether a peer is fit to be the parole peer of a piece, which sends all of it alone: nobody helps with that, so a slow
 * or silent one would hold up the whole download. Fit is who is not much slower than the
 * fastest that could do it; one that fell silent, or has sent nothing yet, only if
 * there is none better.
 *
 * @param ratio so many times slower than the fastest is too slow
 */
export function isFitForParole(
  peer: PeerState,
  piece: number,
  peers: Iterable<PeerState>,
  ratio: number,
): boolean {
  let fastest = Infinity;
  let anyAwake = false;
  for (const other of peers) {
    if (other.isChoked || other.isSnubbed || !other.has.has(piece)) continue;
    anyAwake = true;
    fastest = Math.min(fastest, other.msPerByte);
  }
  if (peer.isSnubbed) return !anyAwake;
  return peer.msPerByte <= fastest * ratio;
}

/** Takes pieces that have to come from one from peers that are not fit for that any more. Returns those pieces. */
export function takeFromUnfit(peers: ReadonlyMap<PeerId, PeerState>, ratio: number): ActivePiece[] {
  const taken: ActivePiece[] = [];
  for (const peer of peers.values()) {
    for (const piece of peer.owned) {
      if (!piece.onParole || isFitForParole(peer, piece.index, peers.values(), ratio)) continue;
      peer.unassigned(piece);
      taken.push(piece);
    }
  }
  return taken;
}

/** Leaves to others the pieces that have to come from one, where that one has become too slow for it. True if there are such pieces. */
export function relieve(
  picker: PiecePicker,
  peers: ReadonlyMap<PeerId, PeerState>,
  stealRatio: number,
): boolean {
  if (picker.smartBan.count === 0) return false;
  for (const piece of takeFromUnfit(peers, stealRatio)) picker.orphan(piece);
  return true;
}
