import { stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TestFolder } from '../../../test/support/folder.js';
import { makeFolder } from './make-folder.js';

describe('makeFolder', () => {
  let folder: TestFolder;
  beforeEach(async () => {
    folder = await TestFolder.make();
  });
  afterEach(() => folder.remove());

  it('creates a folder and its parents, and accepts an existing one', async () => {
    await makeFolder(folder.at('a/b/c'));
    await makeFolder(folder.at('a/b/c'));
    expect((await stat(folder.at('a/b/c'))).isDirectory()).toBe(true);
  });

  it('reports a file in the way', async () => {
    await writeFile(folder.at('file'), 'x');
    await expect(makeFolder(folder.at('file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolder(folder.at('file/below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('fails instead of hanging where no folder can be created', async () => {
    await expect(makeFolder('/proc/enjambre/below')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
