import { describe, expect, it } from '@jest/globals';
import { PieceLayout } from '@enjambre/core/layout';
import { folderMetainfo } from '../../../test/support/content.js';
import { MemoryDisk } from '../../../test/support/memory-disk.js';
import { MemoryStores } from '../../../test/support/memory-piece-store.js';
import { overriding } from '../../../test/support/overriding.js';
import { verifyPieces } from './verification.js';

const PIECES = 1000;

describe('verifyPieces', () => {
  it('takes each piece from the iterable only when it is about to be hashed', async () => {
    const files = Object.fromEntries(
      Array.from({ length: PIECES }, (_, file) => [`${file}`, Buffer.from(`${file}`)]),
    );
    const metainfo = folderMetainfo(files, 16 * 1024);
    const layout = new PieceLayout(metainfo);
    const disk = new MemoryDisk();
    for (const [file, { path }] of metainfo.files.entries())
      disk.put(`/own/${path.join('/')}`, file % 2 === 0 ? files[path[0]!]! : Buffer.from('spoilt'));
    const memory = new MemoryStores(disk).original(metainfo, '/own');
    let [taken, done, most] = [0, 0, 0];
    function* pieces(): Iterable<number> {
      for (; taken < PIECES; taken++) yield taken;
    }
    const hashPiece = (piece: number): Promise<Buffer | undefined> => {
      most = Math.max(most, taken - done);
      return memory.hashPiece(piece);
    };
    const { signal } = new AbortController();
    const store = overriding(memory, { hashPiece });
    const good = await verifyPieces(pieces(), { layout, store, signal }, () => (done += 1));
    expect(good.count).toBe(PIECES / 2);
    expect(done).toBe(PIECES);
    expect(most).toBeLessThanOrEqual(8);
  });
});
