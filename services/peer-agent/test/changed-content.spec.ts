import { appendFileSync, writeFileSync } from 'node:fs';
import { chmod, readFile, utimes, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Transfer } from '../src/app/transfer/transfer.js';
import type { Shared } from '../src/app/transfer/transfer-options.js';
import { bytesOf, metainfoOf } from './support/content.js';
import { DownloadAgent } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { inState } from './support/in-state.js';
import { overriding } from './support/overriding.js';
import { Uploader } from './support/uploader.js';

const PIECE = 64 * 1024;
const data = bytesOf(4 * PIECE + 1000);
const other = bytesOf(4 * PIECE + 1000, 2);

let agent: DownloadAgent;

beforeEach(async () => {
  agent = await DownloadAgent.start();
});

afterEach(() => agent.stop());

/** Writes a file with a fixed modification time. */
async function put(name: string, bytes: Buffer): Promise<string> {
  const path = await agent.folder.write(name, bytes);
  await utimes(path, 1, 1);
  return path;
}

function share(path: string): Promise<Shared> {
  const { signal } = new AbortController();
  return agent.transfers.share({ path, name: '', pieceLength: PIECE, signal, progress: () => undefined });
}

describe('a share whose bytes change, but not their number or time', () => {
  it('is withdrawn when its new content is shared', async () => {
    const path = await put('file.bin', data);
    const { transfer: before } = await share(path);
    await put('file.bin', other);
    const { transfer, already } = await share(path);
    expect(already).toBe(false);
    expect(transfer.infohash).not.toBe(before.infohash);
    expect(agent.transfers.list()).toEqual([transfer]);
    expect(transfer.state).toBe('seeding');
  });

  it('is soon withdrawn even without that', async () => {
    const { transfer } = await share(await put('file.bin', data));
    await put('file.bin', other);
    await inState(transfer, 'failed');
    expect(transfer.fault).toBe('CONTENT_CHANGED');
  });

  it('is detected by the next start', async () => {
    const { transfer } = await share(await put('file.bin', data));
    await agent.halt();
    await put('file.bin', other);
    agent = await DownloadAgent.start(agent.folder);
    const again = agent.transfers.get(transfer.infohash);
    await inState(again, 'failed');
    expect(again.fault).toBe('CONTENT_CHANGED');
  });
});

describe('a share whose bytes stay the same', () => {
  it('stays shared when its mode changes, and is recognised at the next start', async () => {
    const path = await put('file.bin', data);
    const { transfer } = await share(path);
    const { fingerprint } = transfer.record;
    await chmod(path, 0o600);
    await waitFor(() => transfer.record.fingerprint !== fingerprint, { what: 'the new fingerprint' });
    expect(transfer.state).toBe('seeding');
    expect(await transfer.isUnchanged()).toBe(true);
    expect(await share(path)).toMatchObject({ already: true });
  });

  it('is hashed, and stays shared, when an older version recorded its fingerprint', async () => {
    const path = await put('file.bin', data);
    const { transfer } = await share(path);
    await agent.halt();
    const status = agent.folder.at('data', 'download_status.json');
    const text = await readFile(status, 'utf8');
    await writeFile(status, text.replace(/"fingerprint": "[^"]*"/, `"fingerprint": "${'ab'.repeat(32)}"`));
    agent = await DownloadAgent.start(agent.folder);
    const again = agent.transfers.get(transfer.infohash);
    await inState(again, 'seeding');
    expect(again.record.fingerprint).toBe(transfer.record.fingerprint);
  });
});

describe('a folder with a file that changes while it is being shared', () => {
  const refused = (path: string) => ({
    code: 'precondition',
    reason: 'CHANGED_WHILE_READ',
    message: `${path} changed while it was read: share it when it is finished`,
  });

  /** Runs `change` when everything is hashed. */
  function afterHash(change: () => Promise<unknown>): void {
    const hash = agent.hasher.hash.bind(agent.hasher);
    agent.hasher.hash = async (...args) => {
      const metainfo = await hash(...args);
      await change();
      return metainfo;
    };
  }

  it.each([
    ['other bytes of its size and time', other],
    ['fewer bytes', other.subarray(0, 10)],
  ])('is refused, even if the file has %s and everything was already hashed', async (_, bytes) => {
    await put('folder/a', data);
    const path = await put('folder/b', bytesOf(100));
    afterHash(() => put('folder/a', bytes));
    await expect(share(agent.folder.at('folder'))).rejects.toMatchObject(
      refused(agent.folder.at('folder/a')),
    );
    expect(agent.transfers.list()).toEqual([]);
    expect((await readFile(path)).length).toBe(100);
  });

  it('is refused if it changes at the last moment', async () => {
    await agent.stop();
    const changed = (): string => agent.folder.at('folder/a');
    agent = await DownloadAgent.start(undefined, {
      archive: (archive) =>
        overriding(archive, {
          // The first action on the transfer.
          keep: (infohash) => {
            writeFileSync(changed(), other);
            archive.keep(infohash);
          },
        }),
    });
    await put('folder/a', data);
    await expect(share(agent.folder.at('folder'))).rejects.toMatchObject(refused(changed()));
    expect(agent.transfers.list()).toEqual([]);
  });
});

describe('an uploader whose bytes have changed without its knowledge', () => {
  const name = 'file.bin';
  let seed: TestFolder;
  let uploader: Uploader;

  beforeEach(async () => {
    seed = await TestFolder.make();
    uploader = await Uploader.start(metainfoOf(data, PIECE), await seed.write(name, other));
    agent.tracker.add(uploader.named());
  });

  afterEach(async () => {
    await uploader.stop();
    await seed.remove();
  });

  it('learns of a bad piece, confirms it, and is not banned', async () => {
    const transfer = await agent.download(uploader.metainfo);
    await waitFor(() => uploader.damages.length > 0, { what: 'the end of its trust in its bytes' });
    expect(uploader.damages).toMatchObject([{ reason: 'CONTENT_CHANGED' }]);
    expect(agent.bans.blamed).toEqual([uploader.peerId]);
    uploader.serving.stop('it changed', 'CONTENT_CHANGED');
    expect(agent.bans.banned).toEqual([]);
    expect(transfer.view().donePieceCount).toBe(0);
  });

  it('is forgiven its bad pieces when it announces that its content has changed', async () => {
    const pardoned: string[] = [];
    const pardon = agent.bans.pardon.bind(agent.bans);
    agent.bans.pardon = (peer, infohash) => {
      pardoned.push(peer);
      pardon(peer, infohash);
    };
    await seed.write(name, data);
    uploader.reads.hold();
    await agent.download(uploader.metainfo);
    await waitFor(() => agent.transfers.list()[0]?.linkCounts?.ready === 1, { what: 'the link' });
    uploader.serving.stop('it changed', 'CONTENT_CHANGED');
    await waitFor(() => pardoned.length > 0, { what: 'the pardon' });
    expect(pardoned[0]).toBe(uploader.peerId);
  });
});

describe('existing content that changes while it is hashed', () => {
  const metainfo = metainfoOf(data, PIECE);

  /** Starts its download in place; `change` happens when its last piece was hashed. */
  async function takeOver(change: (path: string) => void): Promise<Transfer> {
    await agent.halt();
    let left = Math.ceil(data.length / PIECE);
    agent = await DownloadAgent.start(agent.folder, {
      stores: (stores) =>
        overriding(stores, {
          download: (...of) => {
            const store = stores.download(...of);
            const hashPiece = async (piece: number): Promise<Buffer | undefined> => {
              const root = await store.hashPiece(piece);
              left -= 1;
              if (left === 0) change(store.path);
              return root;
            };
            return overriding(store, { hashPiece });
          },
        }),
    });
    await agent.folder.write(`downloads/${metainfo.name}`, data);
    return agent.download(metainfo);
  }

  it('is not truncated to its old length', async () => {
    const transfer = await takeOver((path) => {
      appendFileSync(path, 'more');
    });
    await inState(transfer, 'failed');
    expect(transfer.fault).toBe('CONTENT_CHANGED');
    const found = await readFile(agent.folder.at('downloads', metainfo.name));
    expect(found.equals(Buffer.concat([data, Buffer.from('more')]))).toBe(true);
  });

  it('does not count as complete after the change', async () => {
    const transfer = await takeOver((path) => {
      writeFileSync(path, other);
    });
    await inState(transfer, 'failed');
    expect(transfer.fault).toBe('CONTENT_CHANGED');
  });
});
