import { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef } from '../../block.js';
import { ActivePiece, type BlockState } from './active-piece.js';
import { Availability } from './availability.js';
import type { EngineLayout } from '../../engine-layout.js';
import { SmartBan } from '../smart-ban.js';

/**
 * The state of every piece: have (verified), wanted (not requested) or active. A piece is in exactly one of these
 * states, or in none if it is not selected.
 */
export class PiecePicker {
  readonly have: Bitfield;
  readonly wanted: Bitfield;
  readonly active = new Map<number, ActivePiece>();
  /** Active pieces with a block that was not requested. */
  readonly open = new Set<ActivePiece>();
  /** Open pieces that no peer works on; they are finished first. */
  readonly orphans = new Set<ActivePiece>();
  readonly availability: Availability;
  readonly smartBan = new SmartBan();
  /** All pieces are selected. */
  readonly isWhole: boolean;

  constructor(
    readonly layout: EngineLayout,
    have: Bitfield,
    selected = Bitfield.full(layout.pieceCount),
  ) {
    this.have = have.clone();
    this.isWhole = selected.isFull();
    this.wanted = selected.clone();
    for (const piece of have.indexes()) this.wanted.clear(piece);
    this.availability = new Availability(this.wanted);
  }

  /** True if all selected pieces are verified. */
  get isComplete(): boolean {
    return this.wanted.isEmpty() && this.active.size === 0;
  }

  /** True if the piece is selected and not verified yet. */
  lacks(piece: number): boolean {
    return this.wanted.has(piece) || this.active.has(piece);
  }

  blockBytes({ piece, block }: BlockRef): number {
    return this.layout.blockSize(piece, block);
  }

  block({ piece, block }: BlockRef): BlockState | undefined {
    return this.active.get(piece)?.blocks[block];
  }

  /** The peer no longer has to send the block. */
  unask({ piece, block }: BlockRef, peer: PeerId): void {
    const askedOf = this.active.get(piece)?.blocks[block]?.askedOf;
    const at = askedOf?.indexOf(peer) ?? -1;
    if (at >= 0) askedOf?.splice(at, 1);
  }

  /**
   * The state of a block that arrived after its request was given up, which a slow peer's always may; undefined if the
   * block is useless. Never set for a parole piece.
   */
  lateBlock(ref: BlockRef): BlockState | undefined {
    if (this.smartBan.has(ref.piece)) return undefined;
    if (this.wanted.has(ref.piece)) this.orphans.add(this.start(ref.piece));
    return this.block(ref);
  }

  /**
   * A received block was lost before it was on disk: it may be requested again. False if its piece is no longer active.
   */
  lost({ piece: index, block }: BlockRef): boolean {
    const piece = this.active.get(index);
    const state = piece?.blocks[block];
    if (!piece || !state || state.digest) return false;
    state.sender = undefined;
    this.orphan(piece);
    return true;
  }

  /** Wanted pieces, except parole pieces that `isFitForParole` rejects. */
  wantedBy(isFitForParole: (piece: number) => boolean): Bitfield {
    if (this.smartBan.count === 0) return this.wanted;
    const unfit = [...this.smartBan.pieces()].filter(
      (piece) => this.wanted.has(piece) && !isFitForParole(piece),
    );
    if (unfit.length === 0) return this.wanted;
    const wanted = this.wanted.clone();
    for (const piece of unfit) wanted.clear(piece);
    return wanted;
  }

  /** Makes a wanted piece active and open for requests. */
  start(index: number): ActivePiece {
    const piece = this.give(index);
    this.open.add(piece);
    return piece;
  }

  /** Makes a wanted piece active for a super-seeder: no other peer is asked for it. */
  give(index: number): ActivePiece {
    this.availability.unwant(index);
    const piece = new ActivePiece(index, this.layout.blockCount(index), this.smartBan.has(index));
    this.active.set(index, piece);
    return piece;
  }

  /** The first block of an open piece that was not requested; closes the piece if there is none. */
  freeBlock(piece: ActivePiece): BlockRef | undefined {
    const block = this.open.has(piece) ? piece.nextFree() : -1;
    if (block !== -1) return { piece: piece.index, block };
    this.open.delete(piece);
    this.orphans.delete(piece);
    return undefined;
  }

  /**
   * The piece, or one of its blocks, was abandoned by its peer. An untouched piece becomes wanted again; any other is
   * offered to all peers.
   */
  orphan(piece: ActivePiece): void {
    if (this.active.get(piece.index) !== piece) return;
    if (piece.isUntouched()) {
      this.reset(piece);
    } else if (piece.nextFree() !== -1) {
      this.open.add(piece);
      this.orphans.add(piece);
    }
  }

  /** The data of the piece is wrong: all of it must be requested again. */
  reset(piece: ActivePiece): void {
    this.#retire(piece);
    this.availability.want(piece.index);
  }

  /** The piece is verified and on disk. */
  finish(piece: ActivePiece): void {
    this.#retire(piece);
    this.have.set(piece.index);
  }

  #retire(piece: ActivePiece): void {
    this.active.delete(piece.index);
    this.open.delete(piece);
    this.orphans.delete(piece);
  }
}
