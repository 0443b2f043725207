import { lstat, utimes } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { metainfoOf, bytesOf } from '../../../test/support/content.js';
import { TestFolder } from '../../../test/support/folder.js';
import { ContentScan } from './content-scan.js';
import { SYSTEM_FILES, type DiskFiles } from './disk-files.js';
import { PrivateFolders } from './private-folders.js';
import { Probes } from './probes.js';
import { rehearse } from './rehearsal.js';

const OWNER = 'ab'.repeat(8);
const OTHER = 'cd'.repeat(8);
/** Large enough that the probe creates a sparse file of it. */
const LARGEST = 3 * 2 ** 31;

let folder: TestFolder;

beforeEach(async () => {
  folder = await TestFolder.make();
});

afterEach(() => folder.remove());

const wanted = (): Parameters<typeof rehearse>[0] => {
  const { name } = metainfoOf(bytesOf(10), 16 * 1024);
  return {
    folder: folder.path,
    isFolder: false,
    names: [name],
    pairs: [],
    largest: LARGEST,
    longestPath: '/x',
  };
};

/** A probe whose process is killed before it removes anything. */
async function killedTrial(owner: string): Promise<string[]> {
  const killed: DiskFiles = {
    ...SYSTEM_FILES,
    rm: (path, options) =>
      /\.?probe-[^/]*$/.test(String(path))
        ? Promise.reject(new Error('killed'))
        : SYSTEM_FILES.rm(path, options),
  };
  await rehearse(wanted(), killed, new Probes(owner, killed));
  const left = await folder.tree();
  expect(left.some((path) => path.startsWith('.probe-'))).toBe(true);
  return left;
}

const tried = (owner: string): Promise<void> =>
  rehearse(wanted(), SYSTEM_FILES, new Probes(owner, SYSTEM_FILES));

describe('what a probe of a killed process left', () => {
  it("is removed by the agent's next probe, including large files", async () => {
    await killedTrial(OWNER);
    await folder.write('beside', 'x');
    await tried(OWNER);
    expect(await folder.tree()).toEqual(['beside']);
  });

  it('is removed by a sweep, and nothing else is', async () => {
    await folder.write('.incomplete/download/part', 'x');
    await folder.write('.probe-notes', 'x');
    await killedTrial(OWNER);
    await new Probes(OWNER, SYSTEM_FILES).sweep(folder.path);
    const files = (await folder.tree()).filter((path) => !path.endsWith('/'));
    expect(files).toEqual(['.incomplete/download/part', '.probe-notes']);
    expect(await folder.tree('.incomplete')).toEqual(['download/', 'download/part']);
  });

  it('stays while its agent may still use it, and is removed after a day', async () => {
    const left = await killedTrial(OTHER);
    await tried(OWNER);
    expect(await folder.tree()).toEqual(left);
    const stage = left.map((path) => /^\.incomplete\/probe-[^/]*/.exec(path)?.[0]).find(Boolean);
    const path = folder.at(stage!);
    expect((await lstat(path)).isDirectory()).toBe(true);
    await utimes(path, 1, 1);
    await tried(OWNER);
    expect(await folder.tree()).toEqual([]);
  });

  it('is not part of a share', async () => {
    await folder.write('model.bin', bytesOf(10));
    await folder.write('.hidden', bytesOf(10));
    await killedTrial(OWNER);
    const look = await new PrivateFolders({ dataDir: '/none', downloadDir: '/none' }).look();
    const { files } = await new ContentScan(folder.path, look, {}).run();
    expect(files.map(({ path }) => path.join('/')).sort()).toEqual(['.hidden', 'model.bin']);
  });

  it('does not disturb a probe in progress in the same process', async () => {
    const probes = new Probes(OWNER, SYSTEM_FILES);
    await probes.with(folder.path, async ({ stage }) => {
      await rehearse(wanted(), SYSTEM_FILES, probes);
      await probes.sweep(folder.path);
      expect((await lstat(stage)).isDirectory()).toBe(true);
    });
    expect(await folder.tree()).toEqual([]);
  });
});
