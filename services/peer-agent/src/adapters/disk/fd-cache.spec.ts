import { fstatSync, readlinkSync } from 'node:fs';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TestFolder } from '../../../test/support/folder.js';
import { FdCache } from './fd-cache.js';

let folder: TestFolder;

beforeEach(async () => {
  folder = await TestFolder.make();
  for (const name of ['a', 'b', 'c', 'd', 'sub/e', 'submarine']) await folder.write(name, name);
});

afterEach(() => folder.remove());

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

/** What the descriptor leads to, as the system sees it. */
function nameOf(fd: number): string {
  return readlinkSync(`/proc/self/fd/${fd}`).slice(folder.path.length + 1);
}

/** A use of a file that goes on until `end` is called. */
async function hold(fds: FdCache, name: string): Promise<{ fd: number; end: () => Promise<void> }> {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  return new Promise((resolve, reject) => {
    const over = fds.with(folder.at(name), 'read', async (fd) => {
      resolve({
        fd,
        end: () => {
          release();
          return over;
        },
      });
      await held;
    });
    over.catch(reject);
  });
}

describe('FdCache', () => {
  it('opens a file once, however often it is used', async () => {
    const fds = new FdCache();
    const use = (): Promise<number> => fds.with(folder.at('a'), 'read', (fd) => Promise.resolve(fd));
    const [first, second] = await Promise.all([use(), use()]);
    expect(second).toBe(first);
    expect(await use()).toBe(first);
    expect(nameOf(first)).toBe('a');
    await fds.close();
    expect(isOpen(first)).toBe(false);
  });

  it('closes the one that was not used for the longest time, above its capacity', async () => {
    const fds = new FdCache(2);
    const fdOf = new Map<string, number>();
    for (const name of ['a', 'b', 'a', 'c']) {
      await fds.with(folder.at(name), 'read', (fd) => Promise.resolve(fdOf.set(name, fd)));
    }
    expect(['a', 'c'].map((name) => nameOf(fdOf.get(name)!))).toEqual(['a', 'c']);
    expect(isOpen(fdOf.get('b')!)).toBe(false);
    await fds.close();
  });

  it('does not close what is in use, however many that are', async () => {
    const fds = new FdCache(1);
    const held = await Promise.all(['a', 'b', 'c'].map((name) => hold(fds, name)));
    await fds.with(folder.at('d'), 'read', () => Promise.resolve());
    expect(held.map(({ fd }) => nameOf(fd))).toEqual(['a', 'b', 'c']);
    for (const { end } of held) await end();
    expect(held.filter(({ fd }) => isOpen(fd))).toHaveLength(1);
    await fds.close();
    expect(held.filter(({ fd }) => isOpen(fd))).toHaveLength(0);
  });

  it('forgets what is at or below a path once it is not in use, and nothing else', async () => {
    const fds = new FdCache();
    const [inside, other] = [await hold(fds, 'sub/e'), await hold(fds, 'submarine')];
    await fds.forget(folder.at('sub'));
    expect(isOpen(inside.fd)).toBe(true);
    await inside.end();
    expect(isOpen(inside.fd)).toBe(false);
    await other.end();
    expect(isOpen(other.fd)).toBe(true);
    await fds.close();
  });

  it('opens a forgotten file anew: what stands under the name by then', async () => {
    const fds = new FdCache();
    await fds.with(folder.at('a'), 'read', () => Promise.resolve());
    await fds.forget(folder.at('a'));
    await rm(folder.at('a'));
    await folder.write('a', 'other');
    const size = await fds.with(folder.at('a'), 'read', (fd) => Promise.resolve(fstatSync(fd).size));
    expect(size).toBe(5);
    await fds.close();
  });

  it('makes a file to be written and the folders above it, and leaves what is in one', async () => {
    const fds = new FdCache();
    await fds.with(folder.at('new/deep/file'), 'write', () => Promise.resolve());
    await fds.with(folder.at('a'), 'write', () => Promise.resolve());
    await fds.close();
    expect((await stat(folder.at('new/deep/file'))).size).toBe(0);
    expect(await readFile(folder.at('a'), 'utf8')).toBe('a');
  });

  it('throws what opening throws, and tries again the next time', async () => {
    const fds = new FdCache();
    const use = (): Promise<void> => fds.with(folder.at('later'), 'read', () => Promise.resolve());
    await expect(use()).rejects.toMatchObject({ code: 'ENOENT' });
    await folder.write('later', 'now');
    await expect(use()).resolves.toBeUndefined();
    await fds.close();
  });

  it('passes on what the use throws, and goes on', async () => {
    const fds = new FdCache();
    const failing = fds.with(folder.at('a'), 'read', () => Promise.reject(new Error('disk on fire')));
    await expect(failing).rejects.toThrow('disk on fire');
    expect(await fds.with(folder.at('a'), 'read', (fd) => Promise.resolve(nameOf(fd)))).toBe('a');
    await fds.close();
  });

  it('closes a descriptor once: its number may belong to another file the moment after', async () => {
    const fds = new FdCache(1);
    const held = await hold(fds, 'a'); // So that what is used beside it is closed at once.
    const state = { over: false };
    const using = (async () => {
      for (let use = 0; use < 300; use++) await fds.with(folder.at('b'), 'read', () => Promise.resolve());
      state.over = true;
    })();
    while (!state.over) {
      const other = await open(folder.at('c'));
      await stat(folder.path);
      expect(isOpen(other.fd) && nameOf(other.fd)).toBe('c');
      await other.close();
    }
    await using;
    await held.end();
    await fds.close();
  });

  it('gives each use its own file, in whatever order uses come and end', async () => {
    const names = ['a', 'b', 'c', 'd', 'sub/e', 'submarine'];
    const step = fc.record({
      name: fc.constantFrom(...names),
      ticks: fc.nat(6),
      forget: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(step, { maxLength: 40 }),
        async (capacity, steps) => {
          const fds = new FdCache(capacity);
          const uses = steps.map(async ({ name, ticks, forget }) => {
            for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
            if (forget) await fds.forget(folder.at(name));
            await fds.with(folder.at(name), 'read', async (fd) => {
              for (let tick = 0; tick <= ticks; tick++) {
                expect(nameOf(fd)).toBe(name);
                if (tick % 2 === 0) await stat(folder.path);
                else await Promise.resolve();
              }
            });
          });
          await Promise.all(uses);
          await fds.close();
        },
      ),
      { numRuns: 60 },
    );
  });
});
