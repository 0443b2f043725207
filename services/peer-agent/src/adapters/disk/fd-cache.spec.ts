import { fstatSync, readdirSync, readlinkSync } from 'node:fs';
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

/** The target of the descriptor, as the system sees it. */
function nameOf(fd: number): string {
  return nameIn(readlinkSync(`/proc/self/fd/${fd}`));
}

function nameIn(path: string): string {
  return path.slice(folder.path.length + 1);
}

/** The open files of the test, as the system sees them. */
function openFiles(): string[] {
  const fds = readdirSync('/proc/self/fd').filter((fd) => isOpen(Number(fd)));
  const paths = fds.map((fd) => readlinkSync(`/proc/self/fd/${fd}`));
  return paths
    .filter((path) => path.startsWith(`${folder.path}/`))
    .map((path) => nameIn(path))
    .sort();
}

/** A use of a file that lasts until `end` is called. */
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

  it('closes the least recently used file, above its capacity', async () => {
    const fds = new FdCache(2);
    for (const name of ['a', 'b', 'a', 'c']) await fds.with(folder.at(name), 'read', () => Promise.resolve());
    expect(openFiles()).toEqual(['a', 'c']);
    await fds.close();
    expect(openFiles()).toEqual([]);
  });

  it('does not close files in use, and lets other callers wait for one', async () => {
    const fds = new FdCache(2);
    const held = await Promise.all(['a', 'b'].map((name) => hold(fds, name)));
    const later = ['c', 'd'].map((name) => hold(fds, name));
    await stat(folder.path);
    expect(held.map(({ fd }) => nameOf(fd))).toEqual(['a', 'b']);
    await held[0]!.end();
    const third = await later[0]!;
    expect(nameOf(third.fd)).toBe('c');
    expect(nameOf(held[1]!.fd)).toBe('b');
    await held[1]!.end();
    const fourth = await later[1]!;
    expect(nameOf(fourth.fd)).toBe('d');
    for (const { end } of [third, fourth]) await end();
    await fds.close();
    expect(openFiles()).toEqual([]);
  });

  it('serves a waiting caller even after its file was forgotten', async () => {
    const fds = new FdCache(1);
    const first = await hold(fds, 'a');
    const second = hold(fds, 'b');
    await fds.forget(folder.at('b'));
    await first.end();
    const { fd, end } = await second;
    expect(nameOf(fd)).toBe('b');
    await end();
    expect(isOpen(fd)).toBe(false);
    await fds.close();
  });

  it('forgets files at or below a path once they are unused, and no others', async () => {
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

  it('reopens a forgotten file: whatever has its name by then', async () => {
    const fds = new FdCache();
    await fds.with(folder.at('a'), 'read', () => Promise.resolve());
    await fds.forget(folder.at('a'));
    await rm(folder.at('a'));
    await folder.write('a', 'other');
    const size = await fds.with(folder.at('a'), 'read', (fd) => Promise.resolve(fstatSync(fd).size));
    expect(size).toBe(5);
    await fds.close();
  });

  it('creates a file and its parent folders on request, and keeps existing content', async () => {
    const fds = new FdCache();
    await fds.with(folder.at('new/deep/file'), 'create', () => Promise.resolve());
    await fds.with(folder.at('a'), 'create', () => Promise.resolve());
    await fds.close();
    expect((await stat(folder.at('new/deep/file'))).size).toBe(0);
    expect(await readFile(folder.at('a'), 'utf8')).toBe('a');
  });

  it('does not create a file that is only to be written', async () => {
    const fds = new FdCache();
    const use = fds.with(folder.at('gone'), 'write', () => Promise.resolve());
    await expect(use).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await folder.tree()).not.toContain('gone');
    await fds.close();
  });

  it('throws the error of a failed open, and tries again the next time', async () => {
    const fds = new FdCache();
    const use = (): Promise<void> => fds.with(folder.at('later'), 'read', () => Promise.resolve());
    await expect(use()).rejects.toMatchObject({ code: 'ENOENT' });
    await folder.write('later', 'now');
    await expect(use()).resolves.toBeUndefined();
    await fds.close();
  });

  it('passes the error of a use through, and continues', async () => {
    const fds = new FdCache();
    const failing = fds.with(folder.at('a'), 'read', () => Promise.reject(new Error('disk on fire')));
    await expect(failing).rejects.toThrow('disk on fire');
    expect(await fds.with(folder.at('a'), 'read', (fd) => Promise.resolve(nameOf(fd)))).toBe('a');
    await fds.close();
  });

  it('closes a descriptor once: its number may belong to another file a moment later', async () => {
    const fds = new FdCache(1);
    const state = { over: false };
    const use = async (names: readonly string[]): Promise<void> => {
      for (let round = 0; round < 150; round++)
        for (const name of names) await fds.with(folder.at(name), 'read', () => Promise.resolve());
    };
    const using = Promise.all([use(['a', 'b']), use(['b', 'd'])]).then(() => (state.over = true));
    while (!state.over) {
      const other = await open(folder.at('c'));
      await stat(folder.path);
      expect(isOpen(other.fd) && nameOf(other.fd)).toBe('c');
      await other.close();
    }
    await using;
    await fds.close();
  });

  it('gives each use its own file, in whatever order uses start and end', async () => {
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
