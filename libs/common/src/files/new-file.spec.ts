import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeNewFile } from './new-file.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enjambre-new-file-'));
});

afterEach(() => rm(folder, { recursive: true }));

test('a new file is complete, and nothing is left beside it', async () => {
  await writeNewFile(join(folder, 'x.torrent'), Buffer.from('all of it'));
  expect(await readFile(join(folder, 'x.torrent'), 'utf8')).toBe('all of it');
  expect(await readdir(folder)).toEqual(['x.torrent']);
});

test('an existing file is not changed', async () => {
  await writeFile(join(folder, 'x.torrent'), 'before');
  await expect(writeNewFile(join(folder, 'x.torrent'), Buffer.from('after'))).rejects.toMatchObject({
    code: 'EEXIST',
  });
  expect(await readFile(join(folder, 'x.torrent'), 'utf8')).toBe('before');
  expect(await readdir(folder)).toEqual(['x.torrent']);
});
