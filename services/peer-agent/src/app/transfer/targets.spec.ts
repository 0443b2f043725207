import { describe, expect, it } from '@jest/globals';
import { parseInfoHash } from '@enjambre/core/ids';
import type { Place, PlaceRelation } from '../ports/store-factory.js';
import { Targets } from './targets.js';

const infohash = (number: number) => parseInfoHash(number.toString(16).padStart(64, '0'));

/** Folders without links; names as in a file system that ignores case. */
class Stores {
  compared: Place[] = [];

  realFolder = (folder: string): Promise<string> => Promise.resolve(folder.replace('/link', '/data'));

  relate = async (place: Place, other: Place): Promise<PlaceRelation> => {
    this.compared.push(other);
    const [folder, its] = await Promise.all(
      [place.folder, other.folder].map((path) => this.realFolder(path)),
    );
    const target = `${its}/${other.name}`;
    if (`${folder}/`.startsWith(`${target}/`)) return 'inside';
    return folder === its && place.name.toLowerCase() === other.name.toLowerCase() ? 'same' : 'apart';
  };
}

function targets(pending = true) {
  const stores = new Stores();
  const made = new Targets(stores, (id) => ({ infohash: id, name: 'another', pending, origin: false }));
  return { stores, made };
}

describe('Targets', () => {
  it('compares a new place only with the few that it could meet', async () => {
    const { stores, made } = targets();
    for (let number = 0; number < 1000; number++)
      await made.claim(infohash(number), { folder: '/data', name: `file-${number}` });
    expect(stores.compared).toEqual([]);
    await expect(made.claim(infohash(1000), { folder: '/data', name: 'FILE-7' })).rejects.toMatchObject({
      reason: 'TARGET_TAKEN',
    });
    expect(stores.compared).toEqual([{ folder: '/data', name: 'file-7' }]);
  });

  it('finds the folder of an unfinished download above a place, through a link as well', async () => {
    const { made } = targets();
    await made.claim(infohash(1), { folder: '/data', name: 'models' });
    for (const folder of ['/data/models', '/link/models/2026']) {
      await expect(made.claim(infohash(2), { folder, name: 'w1.bin' })).rejects.toThrow(
        `${folder} is inside /data/models, which is reserved`,
      );
    }
    await made.claim(infohash(2), { folder: '/data/models-2026', name: 'w1.bin' });
  });

  it('allows a place inside a folder that is complete', async () => {
    const { made } = targets(false);
    await made.claim(infohash(1), { folder: '/data', name: 'models' });
    await made.claim(infohash(2), { folder: '/data/models', name: 'w1.bin' });
  });

  it('gives a place back when it is released, or exchanged for another', async () => {
    const { made } = targets();
    const place = { folder: '/data', name: 'w1.bin' };
    await made.claim(infohash(1), place);
    await made.claim(infohash(1), { folder: '/elsewhere', name: 'w1.bin' });
    await made.claim(infohash(2), place);
    await expect(made.claim(infohash(1), place)).rejects.toMatchObject({ reason: 'TARGET_TAKEN' });
    made.release(infohash(2));
    await made.claim(infohash(1), place);
  });
});
