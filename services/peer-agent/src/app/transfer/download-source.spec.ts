import { describe, expect, it } from '@jest/globals';
import { metainfoOfMany } from '../../../test/support/content.js';
import { roundsDuring } from '../../../test/support/rounds.js';
import { wantedOf } from './download-source.js';

const FILES = 2000;

describe('wantedOf', () => {
  it('parses a torrent of very many files without blocking the event loop', async () => {
    const { bytes, infohash } = metainfoOfMany(FILES);
    let wanted: Awaited<ReturnType<typeof wantedOf>> | undefined;
    const rounds = await roundsDuring(async () => (wanted = await wantedOf({ kind: 'metainfo', bytes })));
    expect(wanted?.metainfo?.infohash).toBe(infohash);
    expect(wanted?.metainfo?.files).toHaveLength(FILES);
    expect(rounds).toBeGreaterThan(FILES / 30);
  });
});
