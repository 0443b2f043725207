import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import type { TransferArchive } from '../src/app/ports/archives.js';
import type { Transfer } from '../src/app/transfer/transfer.js';
import { bytesOf, folderMetainfo } from './support/content.js';
import { DownloadAgent, type AgentParts } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { inState } from './support/in-state.js';
import { overriding } from './support/overriding.js';
import { Uploader } from './support/uploader.js';

const PIECE = 64 * 1024;
const files = { 'a.bin': bytesOf(2 * PIECE, 1), 'b.bin': bytesOf(1000, 2) };
const metainfo = folderMetainfo(files, PIECE, 'folder');

let seed: TestFolder;
let uploader: Uploader;
let agent: DownloadAgent;

beforeEach(async () => {
  seed = await TestFolder.make();
  for (const [name, data] of Object.entries(files)) await seed.write(`folder/${name}`, data);
  uploader = await Uploader.start(metainfo, seed.at('folder'));
  agent = await DownloadAgent.start();
  agent.tracker.add(uploader.named());
});

afterEach(async () => {
  await agent.stop();
  await uploader.stop();
  await seed.remove();
});

async function restarted(parts: AgentParts = {}): Promise<Transfer> {
  await agent.halt();
  agent = await DownloadAgent.start(agent.folder, parts);
  agent.tracker.add(uploader.named());
  return agent.transfers.get(metainfo.infohash);
}

async function downloaded(parts?: AgentParts): Promise<Transfer> {
  await inState(await agent.download(metainfo), 'seeding');
  const transfer = parts ? await restarted(parts) : agent.transfers.get(metainfo.infohash);
  await inState(transfer, 'seeding');
  return transfer;
}

/** Files of the transfer on disk, besides its records. */
const at = (name = ''): string => agent.folder.at('downloads/folder', name);

const diskFails = (): Promise<never> =>
  Promise.reject(new EnjambreError('internal', 'DISK_ERROR', 'the disk does not answer'));

/** An archive with one method that fails while `broken` is set. */
function failing(method: 'disown' | 'remove', state: { broken: boolean }): AgentParts {
  return {
    archive: (archive) =>
      overriding<TransferArchive>(archive, {
        [method]: (infohash: typeof metainfo.infohash) =>
          state.broken ? diskFails() : archive[method](infohash),
      }),
  };
}

/** Its first file can be deleted, and then the disk refuses. */
function halfDeleting(state: { broken: boolean }): AgentParts {
  return {
    stores: (of) =>
      overriding(of, {
        download: (...which) => {
          const store = of.download(...which);
          return overriding(store, {
            delete: async (rules) => {
              if (!state.broken) return store.delete(rules);
              await rm(at('a.bin'));
              return diskFails();
            },
          });
        },
      }),
  };
}

describe('a complete download whose files cannot be deleted', () => {
  it('fails with the reason, and fetches nothing by itself, even after a crash', async () => {
    const transfer = await downloaded(halfDeleting({ broken: true }));
    await expect(agent.transfers.remove(transfer, true)).rejects.toMatchObject({ reason: 'DISK_ERROR' });
    expect(transfer).toMatchObject({ state: 'failed', fault: 'DISK_ERROR', serving: undefined });
    expect(transfer.view().message).toMatch(/the disk does not answer/);
    expect(agent.transfers.list()).toEqual([transfer]);
    // A killed process saves nothing more.
    const facts = JSON.parse(
      await readFile(agent.folder.at('data/transfers', `${metainfo.infohash}.json`), 'utf8'),
    ) as unknown;
    expect(facts).toMatchObject({ goal: 'failed' });
    const again = await restarted();
    expect(again.view()).toMatchObject({ state: 'failed' });
    expect(again.record.recheck).toBe(true);
    await again.resume();
    await inState(again, 'missing');
    await again.verify();
    await inState(again, 'seeding');
    expect(await readFile(at('a.bin'))).toEqual(files['a.bin']);
  });

  it('can be removed once the disk permits it', async () => {
    const state = { broken: true };
    const transfer = await downloaded(halfDeleting(state));
    await expect(agent.transfers.remove(transfer, true)).rejects.toMatchObject({ reason: 'DISK_ERROR' });
    state.broken = false;
    await agent.transfers.remove(transfer, true);
    expect(agent.transfers.list()).toEqual([]);
    expect(await agent.folder.tree('downloads')).toEqual([]);
  });
});

describe('a removal that cannot be recorded', () => {
  it.each([true, false])('changes nothing: the transfer is served as before (data: %s)', async (withData) => {
    const state = { broken: true };
    const transfer = await downloaded(failing('disown', state));
    await expect(agent.transfers.remove(transfer, withData)).rejects.toMatchObject({ reason: 'DISK_ERROR' });
    await inState(transfer, 'seeding');
    const served = Buffer.alloc(PIECE);
    await transfer.serving!.read({ piece: 0, begin: 0 }, served);
    expect(served.equals(files['a.bin'].subarray(0, PIECE))).toBe(true);
    expect(agent.transfers.find(metainfo.infohash)).toBe(transfer.serving);
  });

  it('leaves a share known by its path', async () => {
    await mkdir(agent.folder.at('mine'));
    const state = { broken: true };
    await agent.halt();
    agent = await DownloadAgent.start(agent.folder, failing('disown', state));
    const path = await agent.folder.write('mine/x.bin', files['a.bin']);
    const { signal } = new AbortController();
    const options = { path, name: '', pieceLength: PIECE, signal, progress: () => undefined };
    const { transfer } = await agent.transfers.share(options);
    await expect(agent.transfers.withdraw(transfer, path)).rejects.toMatchObject({ reason: 'DISK_ERROR' });
    expect(agent.transfers.sharesAt(path)).toEqual([transfer]);
    state.broken = false;
    await agent.transfers.withdraw(transfer, path);
    expect(agent.transfers.sharesAt(path)).toEqual([]);
  });
});

describe('a removed transfer with a record that cannot be deleted', () => {
  it('is removed all the same, and the next start tries again', async () => {
    const state = { broken: true };
    const transfer = await downloaded(failing('remove', state));
    const { infohash } = transfer;
    expect(await agent.transfers.remove(transfer, true)).toMatchObject({ tried: true, deleted: 2 });
    expect(agent.transfers.list()).toEqual([]);
    await agent.halt();
    expect(await agent.folder.tree('data/transfers')).toContain(`${infohash}.removed`);
    // A folder in place of the record cannot be deleted as a file: no reason not to start.
    const torrent = agent.folder.at('data/transfers', `${infohash}.torrent`);
    await rm(torrent);
    await mkdir(torrent);
    await writeFile(`${torrent}/x`, '');
    agent = await DownloadAgent.start(agent.folder);
    expect(agent.transfers.list()).toEqual([]);
    await agent.halt();
    await rm(torrent, { recursive: true });
    agent = await DownloadAgent.start(agent.folder);
    expect(agent.transfers.list()).toEqual([]);
    await agent.halt();
    const left = await agent.folder.tree('data/transfers');
    expect(left.filter((name) => name.startsWith(infohash))).toEqual([]);
    agent = await DownloadAgent.start(agent.folder);
  });
});
