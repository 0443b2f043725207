import { describe, expect, it } from '@jest/globals';
import { metainfoOfMany } from '../../../test/support/content.js';
import { roundsDuring } from '../../../test/support/rounds.js';
import { FolderOffers, type FolderOffersComponents } from './folder-offers.js';
import type { ScannedContent } from '../ports/sharing.js';
import type { Transfer } from '../transfer/transfer.js';

const FILES = 2000;

describe('FolderOffers', () => {
  it('compares a folder of very many files with its share without blocking the event loop', async () => {
    const metainfo = metainfoOfMany(FILES);
    const { infohash } = metainfo;
    const isUnchanged = (): Promise<boolean> => Promise.resolve(true);
    const share = { infohash, state: 'seeding', isUnchanged } as unknown as Transfer;
    const parts = {
      transfers: { sharesAt: () => [share] },
      archive: { readMetainfo: () => Promise.resolve(metainfo) },
      folder: { path: '/shared' },
    } as unknown as FolderOffersComponents;
    const files = metainfo.files.map(({ path, length }) => ({ path, length, executable: false }));
    const content = { isFolder: true, files } as unknown as ScannedContent;
    let same: readonly Transfer[] = [];
    const rounds = await roundsDuring(async () => {
      same = await new FolderOffers(parts, 0).sameAs('many', content);
    });
    expect(same).toEqual([share]);
    // It goes through both lists.
    expect(rounds).toBeGreaterThanOrEqual(Math.floor((2 * FILES) / 256));
  });
});
