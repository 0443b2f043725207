import { describe, expect, it } from '@jest/globals';
import { peerNamed } from '../../../../test/support/ids.js';
import { ActivePiece } from './active-piece.js';

const [alice, bob] = [peerNamed('alice'), peerNamed('bob')] as const;
const DIGEST = Buffer.alloc(32, 1);

/** A piece of four blocks: the first stored, the second received, the third requested, the fourth free. */
function started(): ActivePiece {
  const piece = new ActivePiece(7, 4, false);
  piece.blocks[0]!.sender = alice;
  piece.store(0, DIGEST);
  piece.blocks[1]!.sender = bob;
  piece.blocks[2]!.askedOf.push(alice, bob);
  return piece;
}

describe('ActivePiece', () => {
  it('is free from its first block to its last, and untouched, at first', () => {
    const piece = new ActivePiece(0, 3, false);
    expect(piece.nextFree()).toBe(0);
    expect(piece.freeCount()).toBe(3);
    expect(piece.isUntouched()).toBe(true);
    expect(piece.digests()).toEqual([]);
  });

  it('treats a block as free only if it was neither requested nor received', () => {
    const piece = started();
    expect(piece.nextFree()).toBe(3);
    expect(piece.freeCount()).toBe(1);
    piece.blocks[3]!.askedOf.push(bob);
    expect(piece.nextFree()).toBe(-1);
    expect(piece.freeCount()).toBe(0);
    piece.blocks[2]!.askedOf.length = 0;
    expect(piece.nextFree()).toBe(2);
    expect(piece.freeCount()).toBe(1);
  });

  it('is touched by a request or an arrival, and not once the request is withdrawn', () => {
    const asked = new ActivePiece(0, 2, false);
    asked.blocks[1]!.askedOf.push(alice);
    expect(asked.isUntouched()).toBe(false);
    asked.blocks[1]!.askedOf.pop();
    expect(asked.isUntouched()).toBe(true);
    asked.blocks[1]!.sender = alice;
    expect(asked.isUntouched()).toBe(false);
  });

  it('reports the last block stored, in whatever order', () => {
    const piece = new ActivePiece(0, 3, false);
    expect([2, 0, 1].map((block) => piece.store(block, DIGEST))).toEqual([false, false, true]);
  });

  it('counts a block once, however often it is stored, and ignores unknown ones', () => {
    const piece = new ActivePiece(0, 2, false);
    expect(piece.store(0, DIGEST)).toBe(false);
    expect(piece.store(0, Buffer.alloc(32, 2))).toBe(false);
    expect(piece.store(2, DIGEST)).toBe(false);
    expect(piece.digests()).toEqual([DIGEST]);
    expect(piece.store(1, DIGEST)).toBe(true);
  });
});
