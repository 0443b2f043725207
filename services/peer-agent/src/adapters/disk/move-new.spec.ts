import { mkdir, readFile, symlink } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TestFolder } from '../../../test/support/folder.js';
import { SYSTEM_FILES } from './disk-files.js';
import { moveNew } from './move-new.js';

let folder: TestFolder;

beforeEach(async () => {
  folder = await TestFolder.make();
});

afterEach(() => folder.remove());

describe('moveNew', () => {
  it('moves a file, and leaves nothing behind', async () => {
    await folder.write('from/file', 'content');
    await moveNew(folder.at('from/file'), folder.at('to'), SYSTEM_FILES);
    expect(await folder.tree()).toEqual(['from/', 'to']);
    expect(await readFile(folder.at('to'), 'utf8')).toBe('content');
  });

  it('moves a folder', async () => {
    await folder.write('from/deep/file', 'content');
    await moveNew(folder.at('from'), folder.at('to'), SYSTEM_FILES);
    expect(await folder.tree()).toEqual(['to/', 'to/deep/', 'to/deep/file']);
  });

  it.each(['a file', 'a folder', 'an empty folder', 'a dangling link'])(
    'does not replace %s',
    async (what) => {
      await folder.write('file', 'new');
      await folder.write('tree/file', 'new');
      const to = folder.at('to');
      if (what === 'a file') await folder.write('to', 'old');
      else if (what === 'a dangling link') await symlink('/nowhere', to);
      else await mkdir(to);
      if (what === 'a folder') await folder.write('to/file', 'old');
      const before = await folder.tree();
      for (const from of ['file', 'tree'])
        await expect(moveNew(folder.at(from), to, SYSTEM_FILES)).rejects.toMatchObject({ code: 'EEXIST' });
      expect(await folder.tree()).toEqual(before);
    },
  );

  it('lets exactly one of many concurrent moves succeed', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `file ${index}`);
    for (const name of names) await folder.write(name, name);
    const outcomes = await Promise.allSettled(
      names.map((name) => moveNew(folder.at(name), folder.at('to'), SYSTEM_FILES)),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await folder.tree()).toHaveLength(names.length);
  });
});
