import { appendFile, link, readFile, stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Turns } from '@enjambre/common/async/turns';
import { bytesOf, folderMetainfo } from '../../../test/support/content.js';
import { TestFolder } from '../../../test/support/folder.js';
import type { FileStamp } from '../../app/ports/sharing.js';
import { ownerOf } from '../../domain/own-files.js';
import { Selection } from '../../domain/selection.js';
import { FileRemoval } from './file-removal.js';

let folder: TestFolder;

beforeEach(async () => {
  folder = await TestFolder.make();
});

afterEach(() => folder.remove());

describe('FileRemoval', () => {
  it('finds in steps which names belong to the content, since there may be very many', async () => {
    const metainfo = folderMetainfo({ a: bytesOf(10), 'inner/b': bytesOf(20) }, 16 * 1024, 'content');
    const { files } = metainfo;
    const selection = new Selection(metainfo);
    await folder.write('content/a', bytesOf(10));
    await folder.write('content/inner/b', bytesOf(20));
    await folder.write('content/inner/foreign', 'x');
    const run = jest.spyOn(Turns.prototype, 'run');
    try {
      const rules = { isOwn: () => true, notOwn: 'unknown', anyContent: true, fingerprint: '' } as const;
      const compare = (): Promise<undefined> => Promise.resolve(undefined);
      const root = folder.at('content');
      const deletion = await new FileRemoval({
        root,
        isFolder: true,
        files,
        selection,
        rules,
        compare,
      }).run();
      expect(deletion.deleted).toBe(2);
      expect(deletion.paths).toEqual([{ path: folder.at('content/inner/foreign'), reason: 'foreign' }]);
      const inTurns = await Promise.all(run.mock.results.map(({ value }) => value));
      const named = new Map([
        [root, new Set(['a', 'inner'])],
        [folder.at('content/inner'), new Set(['b'])],
      ]);
      expect(inTurns).toContainEqual(named);
    } finally {
      run.mockRestore();
    }
  });

  it('keeps a file that is edited after its comparison, and removes one whose other hard link is gone', async () => {
    const contents = { a: bytesOf(10), b: bytesOf(10), c: bytesOf(20) };
    const metainfo = folderMetainfo(contents, 16 * 1024, 'content');
    const { files } = metainfo;
    const selection = new Selection(metainfo);
    const root = folder.at('content');
    await folder.write('content/a', bytesOf(10));
    await link(folder.at('content/a'), folder.at('content/b'));
    await folder.write('content/c', bytesOf(20));
    const rules = { isOwn: () => true, notOwn: 'unknown', anyContent: false, fingerprint: '' } as const;
    const first = new Map<number, FileStamp>();
    const pathOf = (file: number): string => folder.at('content', ...files[file]!.path);
    for (const file of files.keys()) first.set(file, await stat(pathOf(file), { bigint: true }));
    const compare = async (file: number): Promise<FileStamp | undefined> => {
      const noted = first.get(file);
      first.delete(file);
      if (file !== 2) return noted ?? stat(pathOf(file), { bigint: true });
      const before = await stat(pathOf(file), { bigint: true });
      await appendFile(pathOf(file), 'edited');
      return before;
    };
    const deletion = await new FileRemoval({ root, isFolder: true, files, selection, rules, compare }).run();
    expect(deletion).toMatchObject({ deleted: 2, kept: 1, paths: [{ path: pathOf(2), reason: 'changed' }] });
    expect(await readFile(pathOf(2), 'utf8')).toMatch(/editededited$/);
  });

  it("determines the owner of each file quickly, even if every other one is the agent's", () => {
    const own = Array.from({ length: 100_000 }, (_, at) => 2 * at).join(',');
    const isOwn = ownerOf(own);
    const began = performance.now();
    let count = 0;
    for (let file = 0; file < 200_000; file++) count += Number(isOwn(file));
    expect(count).toBe(100_000);
    // Scanning all ranges for each file would take minutes.
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
