import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import { BLOCK_SIZE, PieceLayout } from '@enjambre/core/layout';
import { bytesOf, metainfoOf } from '../../../test/support/content.js';
import { seededRandom } from '../random.js';
import { SuperSeedBlocks } from './super-seed-blocks.js';
import { SuperSeeding } from './super-seeding.js';

const PIECE = 2 * BLOCK_SIZE;
/** Two pieces of two blocks, and one of a block and a half. */
const layout = new PieceLayout(metainfoOf(bytesOf(2 * PIECE + BLOCK_SIZE + BLOCK_SIZE / 2), PIECE));
const ANY = { modulus: 1, residue: 0 };

function scene(): {
  superSeeding: SuperSeeding;
  member: ReturnType<SuperSeeding['enter']>;
  blocks: SuperSeedBlocks;
} {
  const superSeeding = new SuperSeeding(layout.pieceCount, seededRandom(1));
  const member = superSeeding.enter(Bitfield.empty(layout.pieceCount));
  superSeeding.enter(Bitfield.empty(layout.pieceCount));
  return { superSeeding, member, blocks: new SuperSeedBlocks(superSeeding, member, layout) };
}

describe('SuperSeedBlocks', () => {
  it('sends a piece to its end before another, and all of them', () => {
    const { blocks } = scene();
    const places = Array.from({ length: 6 }, () => blocks.next(ANY, 0));
    const pieces = places.map((place) => (typeof place === 'string' ? place : place.piece));
    expect([pieces[0], pieces[2], pieces[4]]).toEqual([pieces[1], pieces[3], pieces[5]]);
    expect(new Set(pieces).size).toBe(3);
    expect(places).toContainEqual({ piece: 2, begin: BLOCK_SIZE, length: BLOCK_SIZE / 2 });
    expect(blocks.next(ANY, 0)).toBe('later');
  });

  it('abandons a piece that the downloader got elsewhere meanwhile', () => {
    const { superSeeding, member, blocks } = scene();
    const first = blocks.next(ANY, 0);
    if (typeof first === 'string') throw new Error('nothing was chosen');
    superSeeding.learn(member, [first.piece]);
    expect(blocks.next(ANY, 0)).toMatchObject({ begin: 0 });
    expect(blocks.next(ANY, 0)).not.toMatchObject({ piece: first.piece });
  });
});
