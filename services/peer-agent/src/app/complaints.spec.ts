import { afterEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/common/testing/wait-for';
import { Bitfield } from '@enjambre/core/bitfield';
import type { EnjambreError } from '@enjambre/core/error';
import { PieceLayout } from '@enjambre/core/layout';
import { bytesOf, metainfoOf } from '../../test/support/content.js';
import { shortenTimers } from '../../test/support/shorten.js';
import { Complaints } from './complaints.js';
import type { PieceStore } from './ports.js';

const PIECE = 16 * 1024;
const layout = new PieceLayout(metainfoOf(bytesOf(100 * PIECE), PIECE));
const bad = 7;

let hashed: number[] = [];
let damages: EnjambreError[] = [];

function complaints(have = Bitfield.full(100)): Complaints {
  [hashed, damages] = [[], []];
  const store = {
    path: '/shared',
    hashPiece: (piece: number) => {
      hashed.push(piece);
      return Promise.resolve(piece === bad ? Buffer.alloc(32) : layout.pieceRoot(piece));
    },
  } as Partial<PieceStore> as PieceStore;
  return new Complaints({ layout, have, store, damaged: (error) => damages.push(error) });
}

const { restore } = shortenTimers(1000, 1);
afterEach(() => {
  hashed = [];
});

describe('complaints of downloaders', () => {
  it('are looked into, each piece once, and change nothing if the piece is right', async () => {
    const all = complaints();
    for (const piece of [3, 3, 5]) all.add(piece);
    await waitFor(() => hashed.length === 2, { what: 'the looks' });
    expect(hashed).toEqual([3, 5]);
    expect(damages).toEqual([]);
    all.stop();
  });

  it('withdraw the file if the piece is wrong, and are looked into no more', async () => {
    const all = complaints();
    for (const piece of [bad, 8]) all.add(piece);
    await waitFor(() => damages.length > 0, { what: 'the end of the file' });
    expect(damages).toMatchObject([{ reason: 'CONTENT_CHANGED' }]);
    all.stop();
    all.add(9);
    expect(hashed).toEqual([bad]);
  });

  it('are no work for pieces that are not there, and not without bound', async () => {
    const none = complaints(Bitfield.empty(100));
    for (const piece of [1, 99, 100, 4_000_000_000]) none.add(piece);
    const many = complaints();
    for (let piece = 10; piece < 100; piece++) many.add(piece);
    await waitFor(() => hashed.length >= 64, { what: 'the looks', seen: () => hashed.length });
    many.add(11);
    await waitFor(() => hashed.at(-1) === 11, { what: 'the last look' });
    expect(hashed).toHaveLength(65);
    many.stop();
    restore();
  });
});
