import { appendFile, chmod, mkdir, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { waitFor } from '@enjambre/harness/wait-for';
import { DiskWatchedFolder } from '../src/adapters/disk/disk-watched-folder.js';
import { FolderSharing } from '../src/app/sharing/folder-sharing.js';
import { ignoredNames } from '../src/domain/ignore-patterns.js';
import { bytesOf } from './support/content.js';
import { DownloadAgent } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { notedIn } from './support/status.js';
import { SYSTEM_CLOCK } from '@enjambre/common/async/clock';

const TIMES = { quietMs: 150, noticeMs: 10, sweepMs: 60_000, retryMs: 300, atOnce: 2 };
const KIB = 1024;

/** Reports no changes, as some file systems do. */
class SilentFolder extends DiskWatchedFolder {
  override watch(): void {
    // No listener is called.
  }
}

let folder: TestFolder;
let agent: DownloadAgent;
let sharing: FolderSharing;
let complaints: string[];
let hashed: string[];
let news: string[];

beforeEach(async () => {
  [complaints, hashed, news] = [[], [], []];
  folder = await TestFolder.make();
  await mkdir(folder.at('shared'));
  await startAgent();
});

afterEach(async () => {
  await sharing.stop();
  await agent.stop();
  await folder.remove();
});

async function startAgent(from?: TestFolder): Promise<void> {
  agent = await DownloadAgent.start(from);
  const hash = agent.hasher.hash.bind(agent.hasher);
  agent.hasher.hash = (content, options) => {
    hashed.push(options.name);
    return hash(content, options);
  };
  share();
}

function share({ times = TIMES, Folder = DiskWatchedFolder, patterns = ['*.bak'] } = {}): void {
  const log = createLogger({ name: 'agent', level: 'silent' });
  log.warn = (...args: unknown[]) => void complaints.push(String(args.at(-1)));
  log.info = (...args: unknown[]) => void news.push(String(args.at(-1)));
  const watched = new Folder({ path: folder.at('shared'), ignores: ignoredNames(patterns), log });
  const { transfers, hasher, archive } = agent;
  sharing = new FolderSharing(
    { clock: SYSTEM_CLOCK, transfers, hasher, archive, folder: watched, log },
    times,
  );
}

async function restart(between: () => Promise<unknown> = () => Promise.resolve()): Promise<void> {
  await sharing.stop();
  await agent.halt();
  await between();
  hashed = [];
  await startAgent(agent.folder);
  await sharing.start();
}

/** Names on offer. */
const offered = (): string[] =>
  agent.transfers
    .list()
    .filter(({ state }) => state === 'seeding')
    .map(({ name }) => name);

/** Number of files in each offer of that name. */
const filesOf = (name: string): number[] =>
  agent.transfers
    .list()
    .filter((transfer) => transfer.name === name)
    .map((transfer) => transfer.view().fileCount);

const infohashes = (): string[] => agent.transfers.list().map(({ infohash }) => infohash);

function until(what: string, is: () => boolean): Promise<boolean> {
  return waitFor(is, { what, everyMs: 5 }).catch((error: unknown) => {
    throw new Error(`${String(error)}; offered: ${offered().join()}; said: ${complaints.join('; ')}`);
  });
}

const untilOffered = (...names: string[]): Promise<boolean> =>
  until(`${names.join()} to be offered, and nothing else`, () => offered().join() === names.join());

/** Puts an entry into the shared folder and waits until it is offered: earlier changes have been checked by then. */
async function passTime(...others: string[]): Promise<void> {
  await folder.write('shared/zz', bytesOf(10));
  await untilOffered(...others, 'zz');
}

async function shareByHand(path: string, name = ''): Promise<string> {
  const { signal } = new AbortController();
  const options = { path, name, pieceLength: 0, signal, progress: () => undefined };
  return (await agent.transfers.share(options)).transfer.infohash;
}

describe('a shared folder', () => {
  it('shares the files and folders in it, and those that are added', async () => {
    await folder.write('shared/there', bytesOf(100 * KIB));
    await sharing.start();
    await untilOffered('there');
    await folder.write('shared/folder/deep/inner', bytesOf(10, 2));
    await folder.write('shared/new', bytesOf(10, 3));
    await untilOffered('folder', 'new', 'there');
    expect(complaints).toEqual([]);
  });

  it('shares a growing file only when it has stopped growing', async () => {
    const times = { ...TIMES, quietMs: 1000 };
    share({ times });
    await sharing.start();
    let last = performance.now();
    for (let part = 0; part < 60; part++) {
      await appendFile(folder.at('shared/growing'), bytesOf(KIB, part));
      // A machine that stood still for that long may rightly share it.
      if (performance.now() - last < times.quietMs / 2) expect(offered()).toEqual([]);
      else part = 0;
      last = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await untilOffered('growing');
    expect(hashed).toEqual(['growing']);
  });

  it('shares changed content again, and the old content no more', async () => {
    await folder.write('shared/file', bytesOf(100));
    await sharing.start();
    await untilOffered('file');
    const [before] = infohashes();
    await writeFile(folder.at('shared/file'), bytesOf(100, 2));
    await until('another infohash', () => offered().length === 1 && infohashes()[0] !== before);
    expect(infohashes()).toHaveLength(1);
  });

  it('shares a folder again when a file is added, removed or renamed in it', async () => {
    await folder.write('shared/folder/a', bytesOf(100));
    await sharing.start();
    await untilOffered('folder');
    const changes = [
      () => folder.write('shared/folder/in/b', bytesOf(100, 2)),
      () => rename(folder.at('shared/folder/in/b'), folder.at('shared/folder/in/c')),
      () => rm(folder.at('shared/folder/in'), { recursive: true }),
    ];
    for (const change of changes) {
      const [before] = infohashes();
      await change();
      await until('another infohash', () => offered().length === 1 && infohashes()[0] !== before);
      expect(infohashes()).toHaveLength(1);
    }
  });

  it('does not hash again after a mere change of mode', async () => {
    const path = await folder.write('shared/file', bytesOf(100));
    await sharing.start();
    await until('it to be shared', () => news.includes('file is shared from the shared folder'));
    await chmod(path, 0o600);
    await passTime('file');
    expect(hashed).toEqual(['file', 'zz']);
  });

  it('withdraws removed entries, and forgets them for good', async () => {
    await folder.write('shared/file', bytesOf(100));
    await folder.write('shared/folder/a', bytesOf(100, 2));
    await sharing.start();
    await untilOffered('file', 'folder');
    await unlink(folder.at('shared/file'));
    await rm(folder.at('shared/folder'), { recursive: true });
    await until('both to be withdrawn', () => infohashes().length === 0);
    const isSaved = async (): Promise<boolean> => (await notedIn(agent.folder.at('data'))).length === 0;
    await waitFor(isSaved, { what: 'both to be forgotten' });
    await folder.write('shared/folder/a', bytesOf(100, 2));
    await untilOffered('folder');
  });

  it('follows no link, neither as an entry nor inside a folder', async () => {
    const secret = await folder.write('secret', 'root:x:0:0');
    await mkdir(folder.at('secrets'));
    await folder.write('secrets/key', 'a key');
    await symlink(secret, folder.at('shared/link'));
    await symlink(folder.at('secrets'), folder.at('shared/links'));
    await folder.write('shared/folder/a', bytesOf(100));
    await symlink('a', folder.at('shared/folder/b'));
    await symlink(secret, folder.at('shared/folder/c'));
    await symlink('folder', folder.at('shared/inside'));
    await sharing.start();
    await passTime('folder');
    expect(agent.transfers.list().map(({ name }) => name)).toEqual(['folder', 'zz']);
    expect(filesOf('folder')).toEqual([1]);
    // Three entries, and two links in the folder.
    const links = (): string[] => complaints.filter((text) => text.includes('symbolic link'));
    // It is offered before the log lists what is left out.
    await until('all links to be named', () => links().length >= 5);
    expect(links()).toHaveLength(5);
  });

  it('withdraws an entry that becomes a link', async () => {
    const path = await folder.write('shared/file', bytesOf(100));
    await sharing.start();
    await untilOffered('file');
    await rename(path, folder.at('moved'));
    await symlink(folder.at('moved'), path);
    await untilOffered();
  });

  it('shares no temporary, hidden or ignored names, until they are renamed', async () => {
    await folder.write('shared/film.part', bytesOf(100));
    await folder.write('shared/.hidden', bytesOf(100));
    await folder.write('shared/old.bak', bytesOf(100));
    await folder.write('shared/folder/a', bytesOf(100));
    await folder.write('shared/folder/b.crdownload', bytesOf(100));
    await folder.write('shared/folder/.git/key', bytesOf(100));
    await sharing.start();
    await passTime('folder');
    expect(filesOf('folder')).toEqual([1]);
    await rename(folder.at('shared/film.part'), folder.at('shared/film'));
    await untilOffered('film', 'folder', 'zz');
  });

  it('shares content again with other bytes of the same length and time, and stops offering the old', async () => {
    const path = await folder.write('shared/file', bytesOf(100 * KIB));
    await utimes(path, 1, 1);
    await sharing.start();
    await untilOffered('file');
    const before = infohashes();
    await folder.write('new', bytesOf(100 * KIB, 2));
    await utimes(folder.at('new'), 1, 1);
    await rename(folder.at('new'), path);
    await until('another infohash', () => offered().join() === 'file' && infohashes()[0] !== before[0]);
    expect(infohashes()).toHaveLength(1);
  });

  it('logs once why an entry cannot be shared, and shares it when it can be', async () => {
    await folder.write('shared/empty', '');
    await mkdir(folder.at('shared/nothing'));
    await folder.write('shared/bad\\name', bytesOf(10));
    await sharing.start();
    await passTime();
    await utimes(folder.at('shared/empty'), 1000, 1000);
    await rm(folder.at('shared/zz'));
    await untilOffered();
    await passTime();
    expect([...complaints].sort()).toEqual([
      expect.stringMatching(/the name "bad.*name" holds a path separator/),
      expect.stringMatching(/shared\/empty is empty/),
      expect.stringMatching(/shared\/nothing contains no data/),
    ]);
    await writeFile(folder.at('shared/empty'), 'now it is not');
    await untilOffered('empty', 'zz');
  });

  it('leaves manual shares from elsewhere or deeper alone, and manages the entries in it', async () => {
    await folder.write('elsewhere/x', bytesOf(100));
    await folder.write('shared/folder/deep', bytesOf(100, 2));
    const [elsewhere, deep] = [
      await shareByHand(folder.at('elsewhere/x')),
      await shareByHand(folder.at('shared/folder/deep')),
    ];
    const inside = await folder.write('shared/file', bytesOf(100, 3));
    await shareByHand(inside, 'another name');
    await sharing.start();
    await passTime('another name', 'deep', 'folder', 'x');
    await unlink(inside);
    await untilOffered('deep', 'folder', 'x', 'zz');
    expect(infohashes()).toEqual(expect.arrayContaining([elsewhere, deep]));
  });

  it('does not share its downloads a second time', async () => {
    const seeder = await folder.write('elsewhere/x', bytesOf(100 * KIB));
    const { signal } = new AbortController();
    const content = await agent.hasher.scan(seeder);
    const options = { name: 'x', pieceLength: 16 * KIB, signal, progress: () => undefined };
    const metainfo = await agent.hasher.hash(content, options);
    await sharing.start();
    await folder.write('shared/x', bytesOf(100 * KIB));
    const outputDir = folder.at('shared');
    await agent.transfers.download({ kind: 'metainfo', bytes: metainfo.bytes }, { outputDir });
    await passTime('x');
    expect(infohashes()).toHaveLength(2);
    expect(agent.transfers.get('x').infohash).toBe(metainfo.infohash);
  });

  it('offers content moved into it from its new place', async () => {
    const path = await folder.write('elsewhere/x', bytesOf(100));
    const infohash = await shareByHand(path);
    await sharing.start();
    await rename(path, folder.at('shared/x'));
    await until('x to be offered from the shared folder', () => {
      const [x] = agent.transfers.list();
      return x?.state === 'seeding' && x.view().path === folder.at('shared/x');
    });
    expect(infohashes()).toEqual([infohash]);
  });

  it.each(['the other first', 'its own first'])(
    'continues to offer content from elsewhere that is removed from it, %s',
    async (order) => {
      const elsewhere = await folder.write('elsewhere/x', bytesOf(100));
      if (order === 'the other first') await shareByHand(elsewhere);
      await folder.write('shared/x', bytesOf(100));
      await sharing.start();
      await until('x to be known in the shared folder', () =>
        agent.transfers
          .list()
          .some(({ record }) =>
            [record, ...record.copies].some(({ location }) => location === folder.at('shared/x')),
          ),
      );
      await shareByHand(elsewhere);
      await unlink(folder.at('shared/x'));
      await until('x to be offered from elsewhere alone', () => {
        const [x] = agent.transfers.list();
        return x?.state === 'seeding' && x.view().path === elsewhere && x.record.copies.length === 0;
      });
    },
  );

  it('continues to offer entries that are removed elsewhere', async () => {
    const elsewhere = await folder.write('elsewhere/x', bytesOf(100));
    await folder.write('shared/x', bytesOf(100));
    await shareByHand(elsewhere);
    await sharing.start();
    await until('both to be known', () => agent.transfers.list()[0]?.record.copies.length === 1);
    await unlink(elsewhere);
    await until('x to be offered from the shared folder', () => {
      const [x] = agent.transfers.list();
      return x?.state === 'seeding' && x.view().path === folder.at('shared/x');
    });
  });

  it('withdraws everything with a warning while it is missing, and shares it when it is back', async () => {
    await folder.write('shared/a', bytesOf(100));
    await folder.write('shared/b', bytesOf(100, 2));
    await sharing.start();
    await untilOffered('a', 'b');
    await rename(folder.at('shared'), folder.at('away'));
    await until('a warning', () => complaints.length > 0 && infohashes().length === 0);
    expect(complaints).toEqual([expect.stringMatching(/shared folder .* is missing/)]);
    await rename(folder.at('away'), folder.at('shared'));
    await untilOffered('a', 'b');
    // It is watched again.
    await folder.write('shared/c', bytesOf(100, 3));
    await untilOffered('a', 'b', 'c');
    expect(complaints).toHaveLength(1);
  });

  it('detects changes by scans if none are reported', async () => {
    share({ times: { ...TIMES, sweepMs: 100 }, Folder: SilentFolder });
    await sharing.start();
    await folder.write('shared/a', bytesOf(100));
    await untilOffered('a');
    await unlink(folder.at('shared/a'));
    await untilOffered();
  });
});

describe('after a restart', () => {
  it('unchanged entries are offered without being hashed, and missing ones are withdrawn', async () => {
    await folder.write('shared/same', bytesOf(100));
    await folder.write('shared/folder/same', bytesOf(100));
    await folder.write('shared/gone', bytesOf(100));
    await sharing.start();
    await untilOffered('folder', 'gone', 'same');
    const before = infohashes();
    await restart(() => unlink(folder.at('shared/gone')));
    await passTime('folder', 'same');
    expect(hashed).toEqual(['zz']);
    expect(before).toEqual(expect.arrayContaining(infohashes().slice(0, 2)));
  });

  it('changed entries are shared again, even a folder with the same files plus new ones', async () => {
    await folder.write('shared/folder/a', bytesOf(100));
    await folder.write('shared/file', bytesOf(100));
    await sharing.start();
    await untilOffered('file', 'folder');
    await restart(async () => {
      await folder.write('shared/folder/b', bytesOf(100, 2));
      await folder.write('shared/file', bytesOf(200));
    });
    await until('the folder to be two files', () => filesOf('folder').join() === '2');
    await untilOffered('file', 'folder');
    expect([...hashed].sort()).toEqual(['file', 'folder']);
  });

  it('newly ignored entries are withdrawn', async () => {
    await folder.write('shared/private.key', bytesOf(100));
    await sharing.start();
    await untilOffered('private.key');
    await sharing.stop();
    share({ patterns: ['*.key'] });
    await sharing.start();
    await untilOffered();
  });
});
