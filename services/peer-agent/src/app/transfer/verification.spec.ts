import { describe, expect, it } from '@jest/globals';
import { PieceLayout } from '@enjambre/core/layout';
import { metainfoOfMany } from '../../../test/support/content.js';
import type { PieceStore } from '../ports/piece-store.js';
import { verifyPieces } from './verification.js';

const PIECES = 1000;

describe('verifyPieces', () => {
  it('takes a piece when its time comes: of very many none is held before', async () => {
    const layout = new PieceLayout(metainfoOfMany(PIECES));
    let [taken, done, most] = [0, 0, 0];
    function* pieces(): Iterable<number> {
      for (; taken < PIECES; taken++) yield taken;
    }
    const hashPiece: PieceStore['hashPiece'] = (piece) => {
      most = Math.max(most, taken - done);
      return Promise.resolve(piece % 2 === 0 ? layout.pieceRoot(piece) : Buffer.alloc(32));
    };
    const { signal } = new AbortController();
    const store = { hashPiece } as PieceStore;
    const good = await verifyPieces(pieces(), { layout, store, signal }, () => (done += 1));
    expect(good.count).toBe(PIECES / 2);
    expect(done).toBe(PIECES);
    expect(most).toBeLessThanOrEqual(8);
  });
});
