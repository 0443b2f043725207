import type { PeerId } from '@enjambre/core/ids';
import type { ActivePiece } from './picker/active-piece.js';
import type { PiecePicker } from './picker/piece-picker.js';
import type { PeerState } from './peer-state.js';

/**
 * True if a peer is fit to be the parole peer of a piece, which sends all of it alone: no other peer helps, so a slow
 * or silent one would hold up the whole download. A fit peer is not much slower than the fastest candidate; one that
 * went silent, or has sent nothing yet, is fit only if there is none better.
 *
 * @param ratio a peer this many times slower than the fastest is too slow
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

/** Takes parole pieces from peers that are no longer fit. Returns those pieces. */
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

/** Offers parole pieces to others when their peer has become too slow. True if there are parole pieces. */
export function relieve(
  picker: PiecePicker,
  peers: ReadonlyMap<PeerId, PeerState>,
  stealRatio: number,
): boolean {
  if (picker.smartBan.count === 0) return false;
  for (const piece of takeFromUnfit(peers, stealRatio)) picker.orphan(piece);
  return true;
}
