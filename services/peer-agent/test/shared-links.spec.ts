import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { waitFor } from '@enjambre/harness/wait-for';
import { DiskWatchedFolder, type DiskWatchedFolderInit } from '../src/adapters/disk/disk-watched-folder.js';
import { FolderSharing } from '../src/app/sharing/folder-sharing.js';
import { ignoredNames } from '../src/domain/ignore-patterns.js';
import { DownloadAgent } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { SYSTEM_CLOCK } from '@enjambre/common/async/clock';

/** Whatever the system reports, everything is scanned every 100 ms. */
const TIMES = { quietMs: 50, noticeMs: 10, sweepMs: 100, retryMs: 300, atOnce: 2 };

let folder: TestFolder;
let agent: DownloadAgent;
let sharing: FolderSharing | undefined;
let said: string[];
let looks: string[];

class CountedFolder extends DiskWatchedFolder {
  override lookAt(name: string): Promise<string | undefined> {
    looks.push(name);
    return super.lookAt(name);
  }
}

beforeEach(async () => {
  [said, looks] = [[], []];
  folder = await TestFolder.make();
  agent = await DownloadAgent.start();
  await mkdir(folder.at('shared'));
});

afterEach(async () => {
  await sharing?.stop();
  sharing = undefined;
  await agent.stop();
  await folder.remove();
});

async function share(settings: Partial<DiskWatchedFolderInit> = {}): Promise<void> {
  const log = createLogger({ name: 'agent', level: 'silent' });
  log.warn = (...args: unknown[]) => void said.push(String(args.at(-1)));
  const path = folder.at('shared');
  const watched = new CountedFolder({ path, ignores: ignoredNames([]), log, ...settings });
  const { transfers, hasher, archive } = agent;
  sharing = new FolderSharing(
    { clock: SYSTEM_CLOCK, transfers, hasher, archive, folder: watched, log },
    { ...TIMES, hints: { link: '--shared-links' } },
  );
  await sharing.start();
}

function offered(): string[] {
  const seeding = agent.transfers.list().filter(({ state }) => state === 'seeding');
  return seeding.map((transfer) => `${transfer.name} ${transfer.view().fileCount}`);
}

const until = (...names: string[]): Promise<boolean> =>
  waitFor(() => offered().join() === names.join(), {
    what: `${names.join()} to be offered; offered: ${offered().join()}; said: ${said.join('; ')}`,
    everyMs: 5,
  });

/** Waits for a few more scans. */
async function someSweeps(name: string): Promise<void> {
  const before = looks.length;
  const again = (): boolean => looks.slice(before).filter((looked) => looked === name).length >= 5;
  await waitFor(again, { what: `five more looks at ${name}`, everyMs: 5 });
}

describe('links in the shared folder', () => {
  beforeEach(async () => {
    await folder.write('blobs/1234', 'weights');
    await folder.write('shared/model/readme', 'text');
    await symlink(folder.at('blobs/1234'), folder.at('shared/model/weights'));
  });

  it('are left out, and each is logged once', async () => {
    await share();
    await until('model 1');
    await someSweeps('model');
    expect(said).toEqual([
      expect.stringMatching(/^not shared: model\/weights is a symbolic link, .*--shared-links/),
    ]);
    await writeFile(folder.at('shared/model/more'), 'more');
    await until('model 2');
    expect(said).toHaveLength(1);
    await symlink('nothing', folder.at('shared/model/other'));
    await waitFor(() => said.length === 2, { what: 'the other link to be named' });
    expect(said[1]).toContain('model/other');
  });

  it('are followed anywhere if that is set, and content is shared again when their targets change', async () => {
    await symlink(folder.at('blobs/1234'), folder.at('shared/single'));
    await share({ links: 'anywhere' });
    await until('model 2', 'single 1');
    const before = agent.transfers.list().map(({ infohash }) => infohash);
    await folder.write('blobs/new', 'WEIGHTS');
    await utimes(folder.at('blobs/new'), 1, 1);
    await rename(folder.at('blobs/new'), folder.at('blobs/1234'));
    const isOther = (): boolean =>
      offered().join() === 'model 2,single 1' &&
      agent.transfers.list().every(({ infohash }) => !before.includes(infohash));
    await waitFor(isOther, { what: 'other infohashes of both' });
    expect(said).toEqual([]);
  });

  it('are followed inside the folder only, if that is set', async () => {
    await folder.write('shared/file', 'file');
    await symlink('../file', folder.at('shared/model/inner'));
    await symlink(folder.at('blobs/1234'), folder.at('shared/outer'));
    await share({ links: 'inside' });
    await until('file 1', 'model 2');
    await waitFor(() => said.length === 2, { what: 'both links that lead out to be named' });
    expect(said.sort()).toEqual([
      expect.stringMatching(/shared\/outer is a symbolic link that leads out of the folder/),
      expect.stringMatching(/model\/weights is a symbolic link that leads out of the shared folder/),
    ]);
  });
});

describe('names in the shared folder that are not UTF-8', () => {
  const bytes = (path: string): Buffer => Buffer.concat([Buffer.from(folder.at(path)), Buffer.from([0xe9])]);

  it('are logged once, not repeatedly, and their folder is shared when they are gone', async () => {
    await folder.write('shared/folder/good', 'good');
    await writeFile(bytes('shared/folder/b'), 'bad');
    await writeFile(bytes('shared/top'), 'bad');
    await share();
    await waitFor(() => said.length === 2, { what: 'both names to be told' });
    await someSweeps('folder');
    expect(said.sort()).toEqual([
      expect.stringMatching(/shared\/top\\xe9 has a name that is not UTF-8/),
      expect.stringMatching(/shared\/folder\/b\\xe9 is not UTF-8/),
    ]);
    await rm(bytes('shared/folder/b'));
    await until('folder 1');
  });

  it('are left out if that is set', async () => {
    await folder.write('shared/folder/good', 'good');
    await writeFile(bytes('shared/folder/b'), 'bad');
    await share({ skipUnsupported: true });
    await until('folder 1');
    await someSweeps('folder');
    expect(said).toEqual([expect.stringMatching(/not shared: folder\/b\\xe9 has a name that is not UTF-8/)]);
  });
});

it("a link's target at the time of sharing is served, and no later target", async () => {
  await folder.write('blobs/1', 'weights');
  await folder.write('blobs/2', 'WEIGHTS');
  await folder.write('model/readme', 'text');
  const link = folder.at('model/weights');
  await symlink(folder.at('blobs/1'), link);
  const { signal } = new AbortController();
  const options = { path: folder.at('model'), name: '', pieceLength: 0, signal, progress: () => undefined };
  const { transfer, metainfo } = await agent.transfers.share({ ...options, scan: { links: 'anywhere' } });
  expect(metainfo.files.map(({ path }) => path.join('/'))).toEqual(['readme', 'weights']);
  expect(await transfer.isUnchanged()).toBe(true);
  await rm(link);
  await symlink(folder.at('blobs/2'), link);
  expect(await transfer.isUnchanged()).toBe(false);
  // A downloader requests it before any check.
  const asked = transfer.serving?.read({ piece: 1, begin: 0 }, Buffer.alloc(7));
  await expect(asked).rejects.toMatchObject({ reason: 'CONTENT_CHANGED' });
  await waitFor(() => transfer.state === 'failed', { what: 'the share to be withdrawn' });
});
