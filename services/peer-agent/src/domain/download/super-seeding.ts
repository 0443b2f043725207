import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef } from '../block.js';
import type { PendingRequest } from './peer-requests.js';
import type { PeerState } from './peer-state.js';
import type { PiecePicker } from './picker/piece-picker.js';

/** A peer that answers so many times with what is of no use is not left the choice any more. */
const MAX_USELESS = 64;

/**
 * Which peers choose what they send (docs/adr/0008-uploaders-choice.md). Several divide the pieces
 * among them by index, in the order of their ids, which is the same for all downloaders.
 */
export class SuperSeeders {
  #ids: PeerId[] = [];

  /** @param mayChoose whether one that offers to choose is to do it. @default all are */
  constructor(private readonly mayChoose: (peer: PeerState) => boolean = () => true) {}

  /** @param peers all that are there */
  review(peers: ReadonlyMap<PeerId, PeerState>): void {
    this.#ids = [...peers.values()]
      .filter((peer) => peer.superSeeds && this.mayChoose(peer))
      .map(({ id }) => id);
    this.#ids.sort();
    for (const peer of peers.values()) peer.classChanged();
  }

  /** True if the peer is to choose. */
  has(peer: PeerState): boolean {
    return this.#ids.includes(peer.id);
  }

  /** The pieces that a peer may choose from: those whose index is `residue` modulo `modulus`. */
  classOf(peer: PeerState): { modulus: number; residue: number } {
    const at = this.#ids.indexOf(peer.id);
    if (peer.classIsEmpty || at === -1) return { modulus: 1, residue: 0 };
    return { modulus: this.#ids.length, residue: at };
  }
}

/** Whether a block answers a request: the one that was named, or any. */
export function fits({ ref: asked }: PendingRequest, sent: BlockRef): boolean {
  return !asked || (asked.piece === sent.piece && asked.block === sent.block);
}

/** True if a peer that chooses may have more to give than it was asked for. */
export function mayGiveMore(picker: PiecePicker, peer: PeerState): boolean {
  let blocks = picker.wanted.count * picker.layout.blockCount(0);
  for (const piece of peer.given) blocks += piece.freeCount();
  return blocks > peer.anyRequests;
}

/** The peer sent the first block, or another, of a piece of its choice: what was wanted is active now, and the peer's. */
export function takeChoice(picker: PiecePicker, peer: PeerState, piece: number): void {
  if (picker.wanted.has(piece)) peer.startedGiving(picker.give(piece));
}

/** What the peer has begun by its choice is left to others. */
export function endGiving(picker: PiecePicker, peer: PeerState): void {
  for (const piece of peer.stoppedGiving()) picker.orphan(piece);
}

/** Takes note of an answer of a peer's choice. False if it is of use no more to let it choose. */
export function noteChoice(
  picker: PiecePicker,
  peer: PeerState,
  { piece, useful }: { piece: number; useful: boolean },
): boolean {
  const active = picker.active.get(piece);
  if (active?.nextFree() === -1) peer.finishedGiving(active);
  peer.chose(useful);
  return peer.uselessChoices < MAX_USELESS;
}
