import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TestFolder } from '../../../test/support/folder.js';
import { FolderLock } from './folder-lock.js';

let folder: TestFolder;

beforeEach(async () => {
  folder = await TestFolder.make();
});

afterEach(() => folder.remove());

describe('FolderLock', () => {
  it('keeps a second agent off until the first releases it', async () => {
    const [first, second] = [new FolderLock(folder.path), new FolderLock(folder.path)];
    await first.acquire();
    await expect(second.acquire()).rejects.toMatchObject({
      code: 'precondition',
      reason: 'DATA_DIR_IN_USE',
      message: expect.stringContaining(folder.path) as unknown as string,
    });
    await first.release();
    await second.acquire();
    await second.release();
  });

  it('survives the attempt of another agent', async () => {
    const first = new FolderLock(folder.path);
    await first.acquire();
    for (let attempt = 0; attempt < 2; attempt++) {
      const other = new FolderLock(folder.path);
      await expect(other.acquire()).rejects.toMatchObject({ reason: 'DATA_DIR_IN_USE' });
      await other.release();
    }
    await first.release();
  });

  it('takes over from a killed process', async () => {
    const holder = `require('net').createServer().listen(${JSON.stringify(folder.at('agent.lock'))}, () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', holder], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    expect(await folder.tree()).toEqual(['agent.lock']); // The socket of the dead process is still there.
    const lock = new FolderLock(folder.path);
    await lock.acquire();
    await expect(new FolderLock(folder.path).acquire()).rejects.toMatchObject({ reason: 'DATA_DIR_IN_USE' });
    await lock.release();
  });

  it('takes over a file that is not a socket', async () => {
    await folder.write('agent.lock', 'left behind');
    const lock = new FolderLock(folder.path);
    await lock.acquire();
    await expect(new FolderLock(folder.path).acquire()).rejects.toMatchObject({ reason: 'DATA_DIR_IN_USE' });
    await lock.release();
  });

  it('takes over when the previous attempt to take over was killed midway', async () => {
    await folder.write('agent.lock', 'left behind');
    await folder.write('agent.take', 'left behind');
    const lock = new FolderLock(folder.path);
    await lock.acquire();
    expect(await folder.tree()).toEqual(['agent.lock']);
    await lock.release();
  });

  it('can be released twice, and without being acquired', async () => {
    const lock = new FolderLock(folder.path);
    await lock.release();
    await lock.acquire();
    await lock.release();
    await lock.release();
    expect(await folder.tree()).toEqual([]);
  });

  it.each([
    ['for the first time', false],
    ['after a crash', true],
  ])('goes to exactly one of several agents that start at once %s, and stays with it', async (_, crashed) => {
    for (let round = 0; round < 15; round++) {
      if (crashed) await folder.write('agent.lock', 'left behind');
      const locks = Array.from({ length: 4 }, () => new FolderLock(folder.path));
      const outcomes = await Promise.allSettled(locks.map((lock) => lock.acquire()));
      expect(outcomes.map(({ status }) => status).sort()).toEqual([
        'fulfilled',
        'rejected',
        'rejected',
        'rejected',
      ]);
      await expect(new FolderLock(folder.path).acquire()).rejects.toMatchObject({
        reason: 'DATA_DIR_IN_USE',
      });
      await Promise.all(locks.map((lock) => lock.release()));
      expect(await folder.tree()).toEqual([]);
    }
  });

  it('names a folder that cannot be locked', async () => {
    const deep = folder.at('d'.repeat(120));
    await mkdir(deep);
    await expect(new FolderLock(deep).acquire()).rejects.toMatchObject({
      code: 'invalid',
      reason: 'SOCKET_PATH_TOO_LONG',
      message: expect.stringContaining(deep) as unknown as string,
    });
    await expect(new FolderLock(folder.at('none')).acquire()).rejects.toMatchObject({
      reason: 'DATA_DIR_UNUSABLE',
    });
    expect(await folder.tree()).toEqual([`${'d'.repeat(120)}/`]);
  });
});
