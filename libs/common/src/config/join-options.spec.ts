import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { joinTokenOf } from './join-options.js';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enjambre-join-'));
  file = join(folder, 'token');
});

afterEach(() => rm(folder, { recursive: true }));

test('a join token is on the command line or in a file', async () => {
  await writeFile(file, ' enj1.a.b\n');
  expect(await joinTokenOf({ joinFile: file }, false)).toBe('enj1.a.b');
  expect(await joinTokenOf({ join: 'x' }, false)).toBe('x');
  expect(await joinTokenOf({}, false)).toBeUndefined();
  await expect(joinTokenOf({ join: 'x', joinFile: file }, false)).rejects.toThrow(
    '--join and --join-file exclude each other',
  );
});

test('the file may be gone once the program has joined', async () => {
  expect(await joinTokenOf({ joinFile: file }, true)).toBeUndefined();
  await expect(joinTokenOf({ joinFile: file }, false)).rejects.toThrow(
    `cannot read ${file} (no such file or directory): write a token of "enjambre ca token" to it`,
  );
});
