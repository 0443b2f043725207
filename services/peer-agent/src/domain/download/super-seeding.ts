import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef } from '../block.js';
import type { PendingRequest } from './peer-requests.js';
import type { PeerState } from './peer-state.js';
import type { PiecePicker } from './picker/piece-picker.js';

/** A super-seeder that sends this many useless blocks in a row is no longer allowed to choose. */
const MAX_USELESS = 64;

/**
 * Selects the peers that super-seed (docs/adr/0008-uploaders-choice.md). Several of them divide the pieces by index, in
 * the order of their ids, which is the same for all downloaders.
 */
export class SuperSeeders {
  #ids: PeerId[] = [];

  /** @param mayChoose whether a peer that offers to super-seed is accepted. @default all are */
  constructor(private readonly mayChoose: (peer: PeerState) => boolean = () => true) {}

  /** @param peers all connected peers */
  review(peers: ReadonlyMap<PeerId, PeerState>): void {
    this.#ids = [...peers.values()]
      .filter((peer) => peer.superSeeds && this.mayChoose(peer))
      .map(({ id }) => id);
    this.#ids.sort();
    for (const peer of peers.values()) peer.classChanged();
  }

  /** True if the peer super-seeds. */
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

/** True if a block answers a request: it is the one requested, or the peer was free to choose. */
export function fits({ ref: asked }: PendingRequest, sent: BlockRef): boolean {
  return !asked || (asked.piece === sent.piece && asked.block === sent.block);
}

/** True if a super-seeder may have more to send than was requested. */
export function mayGiveMore(picker: PiecePicker, peer: PeerState): boolean {
  let blocks = picker.wanted.count * picker.layout.blockCount(0);
  for (const piece of peer.given) blocks += piece.freeCount();
  return blocks > peer.anyRequests;
}

/** The peer sent a block of a piece of its choice: a wanted piece becomes active and belongs to the peer. */
export function takeChoice(picker: PiecePicker, peer: PeerState, piece: number): void {
  if (picker.wanted.has(piece)) peer.startedGiving(picker.give(piece));
}

/** Offers the pieces that the peer has started by its choice to other peers. */
export function endGiving(picker: PiecePicker, peer: PeerState): void {
  for (const piece of peer.stoppedGiving()) picker.orphan(piece);
}

/** Records an answer of a super-seeder. False if it should no longer choose. */
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
