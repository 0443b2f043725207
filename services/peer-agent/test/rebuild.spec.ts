import { readFile, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import { parseMetainfo } from '@enjambre/core/metainfo-parse';
import type { TransferArchive } from '../src/app/ports/archives.js';
import type { Transfer } from '../src/app/transfer/transfer.js';
import { bytesOf, metainfoOf } from './support/content.js';
import { DownloadAgent } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { inState } from './support/in-state.js';
import { Uploader } from './support/uploader.js';

const PIECE = 64 * 1024;
/** Five pieces, the last one short. */
const data = bytesOf(4 * PIECE + 1000);
const metainfo = metainfoOf(data, PIECE);

let seed: TestFolder;
let uploader: Uploader;
let agent: DownloadAgent;

beforeEach(async () => {
  seed = await TestFolder.make();
  uploader = await Uploader.start(metainfo, await seed.write('file.bin', data));
  agent = await DownloadAgent.start();
});

afterEach(async () => {
  await agent.stop();
  await uploader.stop();
  await seed.remove();
});

const target = (): string => agent.folder.at('downloads', metainfo.name);

/** Stops the agent, applies `damage`, and restarts it. */
async function restarted(damage: () => Promise<void>, watch?: Watch): Promise<void> {
  await agent.halt();
  await damage();
  agent = await DownloadAgent.start(agent.folder, watch && { archive: watch });
}

type Watch = (archive: TransferArchive) => TransferArchive;

const loseStatus = (): Promise<void> => rm(agent.folder.at('data', 'download_status.json'));

/** The data folder of a version without facts. */
async function loseFacts(): Promise<void> {
  await loseStatus();
  await rm(agent.folder.at('data', 'transfers', `${metainfo.infohash}.json`));
}

async function complete(): Promise<void> {
  agent.tracker.add(uploader.named());
  await agent.finished(await agent.download(metainfo));
}

describe('a rebuilt transfer', () => {
  const share = async (): Promise<Transfer> => {
    const path = await agent.folder.write('original.bin', data);
    const { signal } = new AbortController();
    const options = { path, name: '', pieceLength: PIECE, signal, progress: () => undefined };
    return (await agent.transfers.share(options)).transfer;
  };

  it('that is a share is hashed, and served again', async () => {
    const { infohash } = await share();
    await restarted(loseStatus);
    const again = agent.transfers.get(infohash);
    await inState(again, 'seeding');
    expect(again.record).toMatchObject({ origin: true, complete: true, doneBytes: data.length });
    const served = Buffer.alloc(PIECE);
    await again.serving!.read({ piece: 1, begin: 0 }, served);
    expect(served.equals(data.subarray(PIECE, 2 * PIECE))).toBe(true);
  });

  it('that is a changed share is not served, and the file is left unchanged', async () => {
    const { infohash } = await share();
    const changed = Buffer.from(data);
    changed[3 * PIECE]! ^= 1;
    await restarted(async () => {
      await loseStatus();
      await writeFile(agent.folder.at('original.bin'), changed);
    });
    const again = agent.transfers.get(infohash);
    await inState(again, 'failed');
    expect(again.view().message).toMatch(/is no longer what was shared/);
    expect((await readFile(agent.folder.at('original.bin'))).equals(changed)).toBe(true);
  });

  it('that is a share with lost metainfo must be shared again, which helps', async () => {
    const { infohash } = await share();
    await restarted(async () => {
      await loseStatus();
      await rm(agent.folder.at('data', 'transfers', `${infohash}.torrent`));
    });
    const again = agent.transfers.get(infohash);
    expect(again.state).toBe('failed');
    expect(again.view().message).toMatch(/metainfo is lost: share \//);
    expect((await share()).infohash).toBe(infohash);
    await inState(agent.transfers.get(infohash), 'seeding');
  });

  it('that is an edited complete download is not served, left unchanged, and fixed only on request', async () => {
    await complete();
    const edited = Buffer.from(data);
    edited[PIECE + 7]! ^= 1;
    await restarted(async () => {
      await loseStatus();
      await writeFile(target(), edited);
    });
    agent.tracker.add(uploader.named());
    const again = agent.transfers.get(metainfo.infohash);
    await inState(again, 'failed');
    expect(again.fault).toBe('CONTENT_CHANGED');
    expect(again.view().message).toMatch(/is no longer what was shared: .* verify a download to repair/);
    expect(again.serving).toBeUndefined();
    expect((await readFile(target())).equals(edited)).toBe(true);
    await again.verify();
    expect((await agent.finished(again)).equals(data)).toBe(true);
    expect(again.record.downloadedBytes).toBe(PIECE);
  });

  it('that is a complete download with a check requested before is fixed by the next start', async () => {
    await complete();
    const damaged = Buffer.from(data);
    damaged[PIECE + 7]! ^= 1;
    await writeFile(target(), damaged);
    await restarted(async () => {
      const status = agent.folder.at('data', 'download_status.json');
      const parsed = JSON.parse(await readFile(status, 'utf8')) as { transfers: object[] };
      Object.assign(parsed.transfers[0]!, { fingerprint: '', recheck: true });
      await writeFile(status, JSON.stringify(parsed));
    });
    agent.tracker.add(uploader.named());
    expect((await agent.finished(agent.transfers.get(metainfo.infohash))).equals(data)).toBe(true);
  });

  it('resumes from its recorded progress, or from everything on disk if that is torn', async () => {
    const partial = await Uploader.start(metainfo, seed.at('file.bin'), { name: 'partial', has: [0, 1, 3] });
    agent.tracker.add(partial.named());
    const transfer = await agent.download(metainfo);
    await waitFor(() => transfer.view().donePieceCount === 3, { what: 'three pieces', everyMs: 5 });
    await partial.stop();
    await restarted(loseStatus);
    const again = agent.transfers.get(metainfo.infohash);
    await waitFor(() => again.view().donePieceCount === 3, { what: 'the same pieces', everyMs: 5 });
    await restarted(async () => {
      await loseStatus();
      await writeFile(agent.folder.at('data', 'transfers', `${metainfo.infohash}.bitfield`), 'torn');
    });
    const third = agent.transfers.get(metainfo.infohash);
    await waitFor(() => third.view().donePieceCount === 3, { what: 'the same pieces again', everyMs: 5 });
    agent.tracker.add(uploader.named());
    expect((await agent.finished(third)).equals(data)).toBe(true);
    expect(third.record.downloadedBytes).toBe(PIECE + 1000);
  });

  it('without facts is found by the entry with its name, which is hashed and left unchanged', async () => {
    await complete();
    await restarted(loseFacts);
    await inState(agent.transfers.get(metainfo.infohash), 'seeding');
    const other = Buffer.alloc(data.length, 7);
    await restarted(async () => {
      await loseFacts();
      await writeFile(target(), other);
    });
    await inState(agent.transfers.get(metainfo.infohash), 'failed');
    expect((await readFile(target())).equals(other)).toBe(true);
  });

  it('without facts is not recreated from nothing: its metainfo is kept for a manual download', async () => {
    await complete();
    await restarted(async () => {
      await loseFacts();
      await rm(target());
    });
    expect(agent.transfers.list()).toEqual([]);
    expect(parseMetainfo((await agent.archive.readMetainfo(metainfo.infohash))!.bytes).name).toBe('file.bin');
  });
});

describe('a transfer that is removed', () => {
  /** The files of the transfer cannot be deleted: what follows finds the disk as after a kill. */
  const killedBeforeRemoval: Watch = (archive) =>
    new Proxy(archive, {
      get: (of, name) => {
        if (name === 'remove') return () => Promise.reject(new Error('killed'));
        const member: unknown = Reflect.get(of, name, of);
        return typeof member === 'function' ? (member.bind(of) as unknown) : member;
      },
    });

  it.each([
    ['with its data', true],
    ['without its data', false],
  ])('%s does not come back when the process is killed in between', async (_, deleteData) => {
    await complete();
    await restarted(() => Promise.resolve(), killedBeforeRemoval);
    const transfer = agent.transfers.get(metainfo.infohash);
    await inState(transfer, 'seeding');
    await agent.transfers.remove(transfer, deleteData);
    expect(await agent.archive.readMetainfo(metainfo.infohash)).toBeDefined();
    await restarted(() => Promise.resolve());
    expect(agent.transfers.list()).toEqual([]);
    expect(await agent.archive.readMetainfo(metainfo.infohash)).toBeUndefined();
  });

  it('can be added again at once, and that survives', async () => {
    await complete();
    await agent.transfers.remove(agent.transfers.get(metainfo.infohash), true);
    await agent.finished(await agent.download(metainfo));
    await restarted(loseStatus);
    await inState(agent.transfers.get(metainfo.infohash), 'seeding');
  });
});
