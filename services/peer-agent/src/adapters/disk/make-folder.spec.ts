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

  it('makes a folder and those above it, and is content if it is there', async () => {
    await makeFolder(folder.at('a/b/c'));
    await makeFolder(folder.at('a/b/c'));
    expect((await stat(folder.at('a/b/c'))).isDirectory()).toBe(true);
  });

  it('says what is wrong where a file stands in the way', async () => {
    await writeFile(folder.at('file'), 'x');
    await expect(makeFolder(folder.at('file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolder(folder.at('file/below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('comes to an end where no folder can be made', async () => {
    await expect(makeFolder('/proc/enjambre/below')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
