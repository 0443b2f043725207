import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import { PieceLayout } from '@enjambre/core/layout';
import { BLOCK_LOST, type DeletionRules, type PieceStore } from '../../src/app/ports/piece-store.js';
import type { StoreFactory } from '../../src/app/ports/store-factory.js';
import { Selection } from '../../src/domain/selection.js';
import { ALL_OF_IT } from '../../src/app/transfer/removal.js';
import { BLOCK, blockOf, download, single, smallPieces, tiny, tree, type Sample } from './samples.js';

/** Where the stores of a test put their files, and how others change them. Paths are absolute. */
export interface StoreSite {
  readonly stores: Pick<StoreFactory, 'original' | 'download'>;
  /** The folder exists and is empty. */
  readonly folder: string;
  /** All entries in it, at any depth: relative paths, in order; folders end with a slash. */
  list(): Promise<string[]>;
  bytesAt(path: string): Promise<Buffer>;
  /** Creates a new file and its parent folders, replacing an existing file. */
  put(path: string, bytes: Uint8Array): Promise<void>;
  /** Writes into a file in place. */
  overwrite(path: string, offset: number, bytes: Uint8Array): Promise<void>;
  /** Changes the times of a file, as if it had been written to. */
  touch(path: string): Promise<void>;
  cut(path: string, length: number): Promise<void>;
  /** Removes a file, or a folder with everything in it. */
  remove(path: string): Promise<void>;
  /** Loses the next block that is written. */
  loseBlock(): void;
  /** Makes all later syncs fail, or succeed again. */
  breakSync(isBroken: boolean): void;
  close(): Promise<void>;
}

/** Result of publishing a download that is already in place. */
const ALREADY = { isTaken: false, warning: undefined };
const MISSING = { code: 'precondition', reason: 'FILE_MISSING' };
const CHANGED = { code: 'precondition', reason: 'FILE_CHANGED' };
const OTHER_CONTENT = { code: 'precondition', reason: 'CONTENT_CHANGED' };
const ONLY_WHOLE: DeletionRules = {
  isOwn: () => true,
  notOwn: 'taken-over',
  anyContent: false,
  fingerprint: '',
};

/** The contract of {@link PieceStore}. `create` makes an empty site. */
export function pieceStoreContract(create: () => Promise<StoreSite>): void {
  let site: StoreSite;

  beforeEach(async () => {
    site = await create();
  });

  afterEach(() => site.close());

  const at = (...names: string[]): string => join(site.folder, ...names);
  const downloadOf = ({ metainfo }: Sample, inPlace = false): PieceStore =>
    site.stores.download(metainfo, site.folder, inPlace);
  /** A download that is completely written. */
  const filled = async (sample: Sample): Promise<PieceStore> => {
    const store = downloadOf(sample);
    await download(store, sample);
    return store;
  };
  /** A published download. */
  const published = async (sample: Sample): Promise<PieceStore> => {
    const store = await filled(sample);
    await store.publish();
    return store;
  };
  /** The store of another run, for a published download. */
  const reopened = async (sample: Sample): Promise<PieceStore> => {
    await (await published(sample)).close();
    return downloadOf(sample, true);
  };
  const all = ({ metainfo }: Sample): Bitfield => Bitfield.full(new PieceLayout(metainfo).pieceCount);
  const readBlock = async (store: PieceStore, sample: Sample, piece: number, block = 0): Promise<boolean> => {
    const layout = new PieceLayout(sample.metainfo);
    const bytes = Buffer.alloc(layout.blockSize(piece, block));
    await store.read({ piece, begin: block * layout.longestBlock }, bytes);
    return bytes.equals(blockOf(sample, piece, block));
  };
  const isAt = async (path: string, { metainfo, files }: Sample): Promise<boolean> => {
    const same = Object.entries(files).map(async ([name, data]) =>
      data.equals(await site.bytesAt(metainfo.isFolder ? join(path, name) : path)),
    );
    return (await Promise.all(same)).every(Boolean);
  };
  /** Overwrites the start of a file with other bytes of the same length. */
  const spoil = (path: string): Promise<void> => site.overwrite(path, 0, Buffer.from('spoilt'));
  /** Replaces a file by another with the same bytes. */
  const replace = async (path: string): Promise<void> => site.put(path, await site.bytesAt(path));

  describe.each([
    ['a file of several pieces', single],
    ['a file of one byte', tiny],
    ['a file with pieces shorter than a block', smallPieces],
    ['a folder with empty files', tree],
  ])('the store of %s', (_, make) => {
    const sample = make();
    const layout = new PieceLayout(sample.metainfo);

    test('accepts all blocks in any order, returns their roots, and publishes the content under its name', async () => {
      const store = downloadOf(sample);
      expect((await download(store, sample)).every(Boolean)).toBe(true);
      await store.publish();
      expect(store.path).toBe(at(sample.metainfo.name));
      expect(await isAt(store.path, sample)).toBe(true);
      expect((await site.list()).filter((name) => name.startsWith('.'))).toEqual([]);
    });

    test('reads back what was written, before and after publishing', async () => {
      const store = await filled(sample);
      for (const publish of [false, true]) {
        if (publish) await store.publish();
        for (let piece = 0; piece < layout.pieceCount; piece++)
          expect(await readBlock(store, sample, piece, layout.blockCount(piece) - 1)).toBe(true);
      }
    });

    test('hashes pieces as they are on disk, and has no hash for missing ones', async () => {
      const store = downloadOf(sample);
      expect(await store.hashPiece(0)).toBeUndefined();
      await download(store, sample);
      for (let piece = 0; piece < layout.pieceCount; piece++)
        expect(await store.hashPiece(piece)).toEqual(layout.pieceRoot(piece));
    });

    test('deletes a download, in progress or complete, and its folder', async () => {
      const files = Object.keys(sample.files).length;
      const full = sample.metainfo.files.filter(({ length }) => length > 0).length;
      for (const publish of [false, true]) {
        const store = publish ? await published(sample) : await filled(sample);
        expect(await site.list()).not.toEqual([]);
        expect(await store.delete(ALL_OF_IT)).toEqual({
          deleted: publish ? files : full,
          kept: 0,
          paths: [],
        });
        expect(await site.list()).toEqual([]);
      }
    });

    test('shares content in place', async () => {
      for (const [name, data] of Object.entries(sample.files))
        await site.put(at('own', name || 'file'), data);
      const path = sample.metainfo.isFolder ? at('own') : at('own', 'file');
      const store = site.stores.original(sample.metainfo, path);
      expect(store.path).toBe(path);
      expect(await store.hashPiece(0)).toEqual(layout.pieceRoot(0));
      expect(await readBlock(store, sample, layout.pieceCount - 1)).toBe(true);
      const before = await site.list();
      expect(await store.publish()).toEqual(ALREADY);
      expect(await site.list()).toEqual(before);
    });
  });

  describe('reads, writes and hashes', () => {
    test('report that a file is missing, or shorter than it should be', async () => {
      const sample = tree();
      for (const [name, data] of Object.entries(sample.files)) await site.put(at('own', name), data);
      const store = site.stores.original(sample.metainfo, at('own'));
      await site.cut(at('own/a.bin'), BLOCK - 1);
      await expect(readBlock(store, sample, 0)).rejects.toMatchObject(CHANGED);
      await store.close();
      await site.remove(at('own/a.bin'));
      await expect(readBlock(store, sample, 0)).rejects.toMatchObject(MISSING);
      expect(await readBlock(store, sample, 2)).toBe(true);
    });

    test('lose only a single block, which is accepted when it arrives again', async () => {
      const sample = single();
      const store = downloadOf(sample);
      site.loseBlock();
      const lost = store.write(0, 1, blockOf(sample, 0, 1));
      await expect(lost).rejects.toMatchObject({ code: 'aborted', reason: BLOCK_LOST });
      expect((await download(store, sample)).every(Boolean)).toBe(true);
      await store.flush();
      expect(await readBlock(store, sample, 0, 1)).toBe(true);
    });

    test('give a file its full length with its first block, so that each of its pieces has a hash', async () => {
      const sample = single();
      const store = downloadOf(sample);
      await store.write(0, 0, blockOf(sample, 0, 0));
      const root = await store.hashPiece(2);
      expect(root).toHaveLength(32);
      expect(root).not.toEqual(new PieceLayout(sample.metainfo).pieceRoot(2));
    });

    test('have no hash for a truncated piece', async () => {
      const sample = single();
      const store = await reopened(sample);
      await site.cut(store.path, sample.metainfo.pieceLength + 1);
      expect(await store.hashPiece(0)).toEqual(new PieceLayout(sample.metainfo).pieceRoot(0));
      expect(await store.hashPiece(1)).toBeUndefined();
    });

    test('see changes by others', async () => {
      const sample = single();
      const store = await reopened(sample);
      await spoil(store.path);
      expect(await readBlock(store, sample, 0)).toBe(false);
      expect(await store.hashPiece(0)).not.toEqual(new PieceLayout(sample.metainfo).pieceRoot(0));
    });
  });

  describe('files that are held', () => {
    test('must exist', async () => {
      await expect(downloadOf(single()).hold(all(single()))).rejects.toMatchObject(MISSING);
      expect(await site.list()).toEqual([]);
    });

    test('are only those of the given pieces', async () => {
      const sample = tree();
      const store = downloadOf(sample);
      const layout = new PieceLayout(sample.metainfo);
      const { first } = layout.filePieces(sample.metainfo.files.findIndex(({ path }) => path[0] === 'z.bin'));
      await store.write(first, 0, blockOf(sample, first, 0));
      const have = Bitfield.empty(layout.pieceCount);
      have.set(first);
      await store.hold(have);
      await store.flush();
    });

    const ways: [string, object, (path: string) => Promise<void>][] = [
      ['removed', MISSING, (path) => site.remove(path)],
      ['replaced by others with the same bytes', CHANGED, replace],
      ['cut', CHANGED, (path) => site.cut(path, 1000)],
    ];

    describe.each(ways)('and are %s', (_, error, harm) => {
      /** A download of another run, which has all pieces, and whose files are then changed. */
      const harmed = async (): Promise<{ store: PieceStore; sample: Sample }> => {
        const sample = single();
        const first = await filled(sample);
        await first.flush();
        await first.close();
        const store = downloadOf(sample);
        await store.hold(all(sample));
        await harm(store.path);
        return { store, sample };
      };

      test('accept no block', async () => {
        const { store } = await harmed();
        const bytes = () => site.bytesAt(store.path).catch(() => Buffer.from('none'));
        const look = async () => [await site.list(), (await bytes()).toString('latin1')];
        const before = await look();
        await expect(store.write(1, 0, Buffer.alloc(BLOCK, 7))).rejects.toMatchObject(error);
        expect(await look()).toEqual(before);
      });

      test('cannot be flushed, until the store is closed', async () => {
        const { store } = await harmed();
        for (let time = 0; time < 2; time++) await expect(store.flush()).rejects.toMatchObject(error);
        await store.close();
        await store.flush();
      });

      test('cannot be held once more', async () => {
        const { store, sample } = await harmed();
        await expect(store.hold(all(sample))).rejects.toMatchObject(error);
      });

      test('cannot be published', async () => {
        const { store } = await harmed();
        await expect(store.publish()).rejects.toMatchObject(error);
        expect(store.path).not.toBe(at('big.bin'));
      });
    });

    test('include those that are written to', async () => {
      const sample = single();
      const store = downloadOf(sample);
      await store.write(0, 0, blockOf(sample, 0, 0));
      await replace(store.path);
      await expect(store.flush()).rejects.toMatchObject(CHANGED);
      await expect(store.hold(all(sample))).rejects.toMatchObject(CHANGED);
    });

    test('may differ once the store is closed', async () => {
      const sample = single();
      const store = await filled(sample);
      await store.close();
      await replace(store.path);
      await store.hold(all(sample));
      await store.write(0, 0, blockOf(sample, 0, 0));
      await store.flush();
    });
  });

  test('a flush that failed to sync fails until the store is closed', async () => {
    const sample = single();
    const store = await filled(sample);
    site.breakSync(true);
    await expect(store.flush()).rejects.toMatchObject({ reason: 'DISK_FAILED' });
    site.breakSync(false);
    await expect(store.flush()).rejects.toMatchObject({ reason: 'DISK_FAILED' });
    await store.close();
    await store.flush();
  });

  describe('publish', () => {
    test('returns no warning if the file system refused nothing, and does nothing the second time', async () => {
      const sample = tree();
      const store = await filled(sample);
      expect(await store.publish()).toEqual({ isTaken: false, warning: '' });
      expect(await store.publish()).toEqual(ALREADY);
      expect(await downloadOf(sample, true).publish()).toEqual(ALREADY);
    });

    test.each(['file', 'folder'])('replaces no existing %s', async (kind) => {
      const sample = single();
      const store = await filled(sample);
      await site.put(kind === 'file' ? at('big.bin') : at('big.bin/precious'), Buffer.from('precious'));
      const before = await site.list();
      expect(await store.publish()).toMatchObject({
        isTaken: true,
        error: { code: 'already-exists', reason: 'PATH_EXISTS' },
      });
      expect(await site.list()).toEqual(before);
      await site.remove(at('big.bin'));
      await store.publish();
      expect(await isAt(at('big.bin'), sample)).toBe(true);
    });

    test.each(['file', 'folder'])('replaces an existing %s if it may', async (kind) => {
      const sample = single();
      const store = await filled(sample);
      await site.put(kind === 'file' ? at('big.bin') : at('big.bin/precious'), Buffer.from('precious'));
      expect(await store.publish([])).toMatchObject({ isTaken: false });
      await store.discardReplaced([]);
      expect(await isAt(at('big.bin'), sample)).toBe(true);
      expect((await site.list()).filter((path) => path.includes('.incomplete'))).toEqual([]);
    });

    test('refuses an incomplete download', async () => {
      const sample = tree();
      const store = downloadOf(sample);
      await store.write(0, 0, blockOf(sample, 0, 0));
      await expect(store.publish()).rejects.toMatchObject(MISSING);
      expect(await site.list()).not.toContain('tree/');
    });

    test('repairs a download in place', async () => {
      const sample = tree();
      await (await reopened(sample)).close();
      await site.remove(at('tree/empty.txt'));
      await spoil(at('tree/a.bin'));
      const store = downloadOf(sample, true);
      await store.hold(all(sample));
      await store.write(0, 0, blockOf(sample, 0, 0));
      expect(await store.publish()).toEqual({ isTaken: false, warning: '' });
      expect(await isAt(at('tree'), sample)).toBe(true);
    });
  });

  describe('checks of the files', () => {
    test('return the bytes they occupy, without holes', async () => {
      const sample = single();
      const store = downloadOf(sample);
      expect(await store.allocated()).toBe(0);
      await store.write(0, 0, blockOf(sample, 0, 0));
      await store.flush();
      const bytes = await store.allocated();
      expect(bytes).toBeGreaterThanOrEqual(BLOCK);
      expect(bytes).toBeLessThan(sample.metainfo.totalLength);
    });

    test('return whether anything exists at the path', async () => {
      const sample = tree();
      const store = downloadOf(sample);
      expect(await store.exists()).toBe(false);
      await download(store, sample);
      expect(await store.exists()).toBe(true);
      await site.remove(store.path);
      expect(await store.exists()).toBe(false);
    });

    test('return a missing file, and whether any existing one has changed', async () => {
      const sample = tree();
      const store = await reopened(sample);
      const before = await store.survey();
      expect(before.absent).toBeUndefined();
      expect(before.look).not.toBe('');
      expect(await store.survey()).toEqual(before);
      await spoil(at('tree/z.bin'));
      const after = await store.survey();
      expect(after.absent).toBeUndefined();
      expect(after.look).not.toBe(before.look);
      await site.remove(at('tree/z.bin'));
      expect(await store.survey()).toMatchObject({ absent: at('tree/z.bin') });
    });

    test('can be limited to some of the files', async () => {
      const sample = tree();
      const store = await reopened(sample);
      const index = (name: string): number =>
        sample.metainfo.files.findIndex(({ path }) => path.join('/') === name);
      const before = await store.survey([index('a.bin')]);
      await site.remove(at('tree/z.bin'));
      expect(await store.survey([index('a.bin')])).toEqual(before);
      expect(await store.survey([index('a.bin'), index('z.bin')])).toMatchObject({
        absent: at('tree/z.bin'),
      });
    });

    test('return the missing files', async () => {
      const sample = tree();
      const store = await reopened(sample);
      expect(await store.missingFiles()).toEqual([]);
      await site.remove(at('tree/deep'));
      const missing = (await store.missingFiles()).map((file) => sample.metainfo.files[file]?.path.join('/'));
      expect(missing.sort()).toEqual(['deep/er/b.bin', 'deep/void/empty.bin']);
      await site.cut(at('tree/a.bin'), 1);
      expect(await store.missingFiles()).toHaveLength(2);
    });

    test('distinguish content from any other, whatever its name', async () => {
      for (const make of [single, tree]) {
        const store = downloadOf(make());
        expect(await store.identity()).toBe('');
        await download(store, make());
        const identity = await store.identity();
        expect(identity).not.toBe('');
        await store.publish();
        expect(await store.identity()).toBe(identity);
        expect(await downloadOf(make(), true).identity()).toBe(identity);
      }
      expect(await downloadOf(single(), true).identity()).not.toBe(await downloadOf(tree(), true).identity());
      const identity = await downloadOf(single(), true).identity();
      await site.remove(at('big.bin'));
      expect(await downloadOf(single(), true).identity()).toBe('');
      await site.put(at('other.bin'), Buffer.alloc(1)); // The inode number of the removed file may be reused for the next one.
      await site.put(at('big.bin'), single().files['']!);
      expect(await downloadOf(single(), true).identity()).not.toBe(identity);
    });

    test('return a fingerprint that changes with any file, and none if one is missing or has another length', async () => {
      const sample = tree();
      const store = await reopened(sample);
      const prints = [await store.fingerprint()];
      expect(await store.fingerprint()).toBe(prints[0]);
      expect(await downloadOf(sample, true).fingerprint()).toBe(prints[0]);
      await site.touch(at('tree/empty.txt'));
      prints.push(await store.fingerprint());
      await spoil(at('tree/z.bin'));
      prints.push(await store.fingerprint());
      await replace(at('tree/deep/er/b.bin'));
      prints.push(await store.fingerprint());
      expect(prints).not.toContain(undefined);
      expect(new Set(prints).size).toBe(prints.length);
      await site.cut(at('tree/a.bin'), 1);
      expect(await store.fingerprint()).toBeUndefined();
      await site.remove(at('tree/a.bin'));
      expect(await store.fingerprint()).toBeUndefined();
    });
  });

  describe('files that are sealed', () => {
    /** The download of `sample`, sealed. */
    const sealed = async (sample: Sample): Promise<PieceStore> => {
      const store = await reopened(sample);
      expect(await store.seal()).toBe(await store.fingerprint());
      return store;
    };

    test('are read while they stay the same, and when only their stamps change', async () => {
      const store = await sealed(tree());
      expect(await readBlock(store, tree(), 0)).toBe(true);
      await site.touch(at('tree/a.bin'));
      expect(await readBlock(store, tree(), 0)).toBe(true);
      await replace(at('tree/a.bin'));
      expect(await readBlock(store, tree(), 0)).toBe(true);
    });

    test('serve no byte of a damaged piece, and those of all other pieces', async () => {
      const sample = single();
      const store = await sealed(sample);
      expect(await readBlock(store, sample, 0)).toBe(true);
      await spoil(store.path);
      for (const block of [0, 1]) {
        const read = readBlock(store, sample, 0, block);
        await expect(read).rejects.toMatchObject(OTHER_CONTENT);
      }
      expect(await readBlock(store, sample, 1)).toBe(true);
    });

    test('are sealed as the last fingerprint found them: later changes are noticed', async () => {
      const sample = single();
      const store = await reopened(sample);
      const since = await store.fingerprint();
      await spoil(store.path);
      expect(await store.seal(since)).toBe(since);
      await expect(readBlock(store, sample, 0)).rejects.toMatchObject(OTHER_CONTENT);
      await expect(store.patrol()).rejects.toMatchObject(OTHER_CONTENT);
    });

    test('all count as changed if the fingerprint is unknown', async () => {
      const sample = single();
      const store = await reopened(sample);
      await spoil(store.path);
      await store.seal('some other');
      await expect(readBlock(store, sample, 0)).rejects.toMatchObject(OTHER_CONTENT);
      expect(await readBlock(store, sample, 1)).toBe(true);
    });

    test('are scrubbed: intact files with new stamps are sealed again', async () => {
      const store = await sealed(tree());
      expect(await store.patrol()).toBeUndefined();
      await site.touch(at('tree/empty.txt'));
      await replace(at('tree/z.bin'));
      const print = await store.patrol();
      expect(print).toBeDefined();
      expect(print).toBe(await store.fingerprint());
      expect(await store.patrol()).toBeUndefined();
    });

    test('are scrubbed: damaged or missing ones are reported', async () => {
      const store = await sealed(tree());
      await spoil(at('tree/z.bin'));
      for (let time = 0; time < 2; time++) await expect(store.patrol()).rejects.toMatchObject(OTHER_CONTENT);
      await site.remove(at('tree/z.bin'));
      await expect(store.patrol()).rejects.toMatchObject(MISSING);
    });

    test('are not scrubbed before they are sealed', async () => {
      const store = await reopened(tree());
      await spoil(at('tree/z.bin'));
      expect(await store.patrol()).toBeUndefined();
    });
  });

  describe('a deletion', () => {
    test('keeps files that are not own, and returns the reason', async () => {
      const sample = tree();
      const store = await published(sample);
      const own = sample.metainfo.files.findIndex(({ path }) => path[0] === 'a.bin');
      const rules: DeletionRules = { ...ALL_OF_IT, isOwn: (file) => file === own, notOwn: 'unknown' };
      const { deleted, kept, paths } = await store.delete(rules);
      expect([deleted, kept]).toEqual([1, 4]);
      expect(new Set(paths.map(({ reason }) => reason))).toEqual(new Set(['unknown']));
      expect(await site.list()).toEqual([
        'tree/',
        'tree/deep/',
        'tree/deep/er/',
        'tree/deep/er/b.bin',
        'tree/deep/void/',
        'tree/deep/void/empty.bin',
        'tree/empty.txt',
        'tree/z.bin',
      ]);
    });

    test('keeps files with other content, unless everything may be deleted', async () => {
      const store = await published(tree());
      const fingerprint = (await store.fingerprint()) ?? '';
      await spoil(at('tree/z.bin'));
      const deletion = await store.delete({ ...ONLY_WHOLE, fingerprint });
      expect(deletion).toEqual({
        deleted: 4,
        kept: 1,
        paths: [{ path: at('tree/z.bin'), reason: 'changed' }],
      });
      expect(await site.list()).toEqual(['tree/', 'tree/z.bin']);
      expect(await store.delete(ALL_OF_IT)).toEqual({ deleted: 1, kept: 0, paths: [] });
      expect(await site.list()).toEqual([]);
    });

    test('recognises content by its bytes if only the stamps have changed', async () => {
      const store = await published(tree());
      await site.touch(at('tree/z.bin'));
      expect(await store.delete(ONLY_WHOLE)).toMatchObject({ deleted: 5, kept: 0 });
      expect(await site.list()).toEqual([]);
    });

    test('keeps entries that are not part of the content, and their folders', async () => {
      const store = await published(tree());
      await site.put(at('tree/deep/notes.txt'), Buffer.from('mine'));
      expect(await store.delete(ALL_OF_IT)).toEqual({
        deleted: 5,
        kept: 1,
        paths: [{ path: at('tree/deep/notes.txt'), reason: 'foreign' }],
      });
      expect(await site.list()).toEqual(['tree/', 'tree/deep/', 'tree/deep/notes.txt']);
    });

    test('keeps a folder in the place of a file, and a file in the place of a folder', async () => {
      const store = await published(tree());
      await site.remove(at('tree/a.bin'));
      await site.put(at('tree/a.bin/mine'), Buffer.from('mine'));
      await site.remove(at('tree/deep'));
      await site.put(at('tree/deep'), Buffer.from('mine'));
      const { deleted, paths } = await store.delete(ALL_OF_IT);
      expect(deleted).toBe(2);
      expect([...paths].sort((a, b) => a.path.localeCompare(b.path))).toEqual([
        { path: at('tree/a.bin'), reason: 'replaced' },
        { path: at('tree/deep'), reason: 'replaced' },
      ]);
      expect(await site.list()).toEqual(['tree/', 'tree/a.bin/', 'tree/a.bin/mine', 'tree/deep']);
    });

    test('does not affect other downloads in the same folder', async () => {
      const other = await filled(tree());
      await (await published(single())).delete(ALL_OF_IT);
      await other.publish();
      expect(await isAt(at('tree'), tree())).toBe(true);
    });
  });

  describe('the store of selected files of a folder', () => {
    const sample = tree();
    const { metainfo } = sample;
    const layout = new PieceLayout(metainfo);
    const SELECTED = ['deep/er/b.bin', 'deep/void/empty.bin'];
    const selection = new Selection(metainfo, (file) =>
      SELECTED.includes(metainfo.files[file]?.path.join('/') ?? ''),
    );
    const partOf = (inPlace = false): PieceStore =>
      site.stores.download(metainfo, site.folder, inPlace, selection);
    const publishedPart = async (): Promise<PieceStore> => {
      const store = partOf();
      for (const piece of selection.pieces.indexes())
        for (let block = 0; block < layout.blockCount(piece); block++)
          await store.write(piece, block, blockOf(sample, piece, block));
      await store.publish();
      return store;
    };

    test('is complete with these files, and has no others', async () => {
      const store = await publishedPart();
      expect((await site.list()).filter((path) => !path.endsWith('/'))).toEqual(
        SELECTED.map((path) => `tree/${path}`),
      );
      expect(await store.fingerprint()).toBeDefined();
      expect(await store.missingFiles()).toEqual([]);
      expect((await store.survey()).absent).toBeUndefined();
      expect(await downloadOf(sample, true).fingerprint()).toBeUndefined();
    });

    test('ignores what others put in the place of the rest, and does not delete it', async () => {
      const store = await publishedPart();
      const before = await store.seal();
      await site.put(at('tree/a.bin'), Buffer.from('mine'));
      expect(await store.patrol()).toBeUndefined();
      expect(await partOf(true).fingerprint()).toBe(before);
      expect(await store.delete(ALL_OF_IT)).toEqual({
        deleted: SELECTED.length,
        kept: 1,
        paths: [{ path: at('tree/a.bin'), reason: 'foreign' }],
      });
      expect(await site.list()).toEqual(['tree/', 'tree/a.bin']);
    });

    test('notices the loss of one of these files', async () => {
      const store = await publishedPart();
      await site.remove(at('tree', SELECTED[1]!));
      expect(await store.fingerprint()).toBeUndefined();
      expect((await store.survey()).absent).toBe(at('tree', SELECTED[1]!));
    });
  });
}
