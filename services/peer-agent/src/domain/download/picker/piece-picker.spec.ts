import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import { BLOCK_SIZE, PieceLayout } from '@enjambre/core/layout';
import { bytesOf, metainfoOf } from '../../../../test/support/content.js';
import { peerNamed } from '../../../../test/support/ids.js';
import type { ActivePiece } from './active-piece.js';
import { PiecePicker } from './piece-picker.js';

const [alice, bob] = [peerNamed('alice'), peerNamed('bob')] as const;
const layout = new PieceLayout(metainfoOf(bytesOf(7 * BLOCK_SIZE + 5), 2 * BLOCK_SIZE));

function picker(...have: readonly number[]): PiecePicker {
  const bits = Bitfield.empty(layout.pieceCount);
  for (const piece of have) bits.set(piece);
  return new PiecePicker(layout, bits);
}

/** Makes the piece fail with two senders, so that it is in doubt, and wanted again. */
function doubt(on: PiecePicker, index: number): void {
  const piece = on.start(index);
  piece.blocks.forEach((block, at) => (block.sender = at === 0 ? alice : bob));
  expect(on.smartBan.failed(piece)).toBeUndefined();
  on.reset(piece);
}

function ask(piece: ActivePiece, block: number): void {
  piece.blocks[block]!.askedOf.push(alice);
}

describe('PiecePicker', () => {
  it('wants what it does not have, and does not modify the bitfield that it was given', () => {
    const have = Bitfield.empty(layout.pieceCount);
    have.set(1);
    const made = new PiecePicker(layout, have);
    expect([...made.wanted.indexes()]).toEqual([0, 2, 3]);
    made.finish(made.start(0));
    expect([...made.have.indexes()]).toEqual([0, 1]);
    expect([...have.indexes()]).toEqual([1]);
  });

  it('has a piece in one state at a time: wanted, active or had', () => {
    const made = picker();
    const piece = made.start(2);
    expect([made.wanted.has(2), made.active.get(2), made.open.has(piece)]).toEqual([false, piece, true]);
    made.orphans.add(piece);
    made.reset(piece);
    expect([made.wanted.has(2), made.active.size, made.open.size, made.orphans.size]).toEqual([
      true,
      0,
      0,
      0,
    ]);
    made.finish(made.start(2));
    expect([made.wanted.has(2), made.have.has(2), made.active.size, made.open.size]).toEqual([
      false,
      true,
      0,
      0,
    ]);
  });

  it('returns the blocks of active pieces, and the length of any block', () => {
    const made = picker();
    const piece = made.start(0);
    expect(made.block({ piece: 0, block: 1 })).toBe(piece.blocks[1]);
    expect(made.block({ piece: 1, block: 0 })).toBeUndefined();
    expect(made.blockBytes({ piece: 0, block: 1 })).toBe(BLOCK_SIZE);
    expect(made.blockBytes({ piece: 3, block: 1 })).toBe(5);
    expect(picker().start(3).blocks.length).toBe(2);
  });

  it('closes a piece with no free block', () => {
    const made = picker();
    const piece = made.start(0);
    made.orphans.add(piece);
    expect(made.freeBlock(piece)).toEqual({ piece: 0, block: 0 });
    ask(piece, 0);
    expect(made.freeBlock(piece)).toEqual({ piece: 0, block: 1 });
    ask(piece, 1);
    expect(made.freeBlock(piece)).toBeUndefined();
    expect([made.open.size, made.orphans.size]).toEqual([0, 0]);
    piece.blocks[1]!.askedOf.length = 0;
    expect(made.freeBlock(piece)).toBeUndefined();
  });

  it('offers a partly received orphan to all, and wants an untouched one again', () => {
    const made = picker();
    const [started, untouched] = [made.start(0), made.start(1)];
    started.blocks[0]!.sender = alice;
    made.open.delete(started);
    for (const piece of [started, untouched]) made.orphan(piece);
    expect([...made.orphans]).toEqual([started]);
    expect(made.open.has(started)).toBe(true);
    expect(made.wanted.has(1)).toBe(true);
    expect(made.active.has(1)).toBe(false);
  });

  it('makes no orphan of a piece without a free block, or one that is not active', () => {
    const made = picker();
    const [full, old] = [made.start(0), made.start(1)];
    for (const block of [0, 1]) ask(full, block);
    ask(old, 0);
    made.finish(old);
    for (const piece of [full, old]) made.orphan(piece);
    expect(made.orphans.size).toBe(0);
    expect(made.wanted.has(1)).toBe(false);
  });

  it('starts a piece in doubt for one peer alone, and others not', () => {
    const made = picker();
    doubt(made, 1);
    expect(made.start(1).onParole).toBe(true);
    expect(made.start(0).onParole).toBe(false);
  });

  it('withholds pieces in doubt from unfit peers only', () => {
    const made = picker(3);
    expect(made.wantedBy(() => false)).toBe(made.wanted);
    for (const piece of [0, 1]) doubt(made, piece);
    expect([...made.wantedBy((piece) => piece === 1).indexes()]).toEqual([1, 2]);
    expect([...made.wantedBy(() => false).indexes()]).toEqual([2]);
    expect(made.wantedBy(() => true)).toBe(made.wanted);
    expect([...made.wanted.indexes()]).toEqual([0, 1, 2]);
  });

  it('does not test fitness for a piece in doubt that is being fetched', () => {
    const made = picker();
    for (const piece of [0, 1]) doubt(made, piece);
    made.start(0);
    const asked: number[] = [];
    made.wantedBy((piece) => asked.push(piece) > 0);
    expect(asked).toEqual([1]);
  });
});
