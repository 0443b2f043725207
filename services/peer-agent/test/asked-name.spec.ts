import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { SharedFile } from '../src/app/ports/tracker.js';
import type { Transfer } from '../src/app/transfer/transfer.js';
import { bytesOf, metainfoOf } from './support/content.js';
import { DownloadAgent } from './support/download-agent.js';
import { inState } from './support/in-state.js';
import { Uploader } from './support/uploader.js';

const PIECE = 16 * 1024;
const data = bytesOf(2 * PIECE);

let agent: DownloadAgent;
let uploader: Uploader | undefined;

beforeEach(async () => {
  agent = await DownloadAgent.start();
});

afterEach(async () => {
  await uploader?.stop();
  uploader = undefined;
  await agent.stop();
});

/** The catalogue lists content under a name and size; the uploader has its metainfo, which says its own. */
async function listed(metainfo: Metainfo, as: Partial<SharedFile> = {}): Promise<void> {
  const { infohash, name, totalLength: size, pieceLength, files } = metainfo;
  const publisher = { publications: [], superseded: false, disputed: false };
  agent.tracker.files.push({
    infohash,
    name,
    size,
    pieceLength,
    fileCount: files.length,
    ...publisher,
    ...as,
  });
  const path = await agent.folder.write('uploader.bin', data);
  uploader = await Uploader.start(metainfo, path);
  agent.tracker.add(uploader.named());
}

async function get(ref: string, name = ''): Promise<Transfer> {
  const { transfer } = await agent.transfers.download({ kind: 'ref', ref }, { outputDir: '', name });
  return transfer;
}

async function getTorrent({ bytes }: Pick<Metainfo, 'bytes'>, name = ''): Promise<Transfer> {
  const { transfer } = await agent.transfers.download({ kind: 'metainfo', bytes }, { outputDir: '', name });
  return transfer;
}

const written = async (): Promise<string[]> =>
  (await agent.folder.tree('downloads')).filter((path) => path !== '');

describe('a download that was asked for by name', () => {
  it('is refused before its first byte if the content has another name', async () => {
    await listed(metainfoOf(data, PIECE, 'authorized_keys'), { name: 'report.pdf' });
    const transfer = await get('report.pdf');
    await inState(transfer, 'failed');
    expect(transfer.fault).toBe('NAME_MISMATCH');
    expect(transfer.view().message).toMatch(/lists "report\.pdf" .* but the content is "authorized_keys"/);
    expect(await written()).toEqual([]);
  });

  it('is refused if the content has another size, also after a restart', async () => {
    await listed(metainfoOf(data, PIECE, 'report.pdf'), { size: 10 });
    const transfer = await get('report.pdf');
    await inState(transfer, 'failed');
    expect(transfer.fault).toBe('NAME_MISMATCH');
    expect(transfer.view().message).toMatch(/\(10 bytes\), but the content is "report\.pdf" \(32768 bytes\)/);
    const { folder, tracker } = agent;
    await agent.halt();
    agent = await DownloadAgent.start(folder);
    agent.tracker.add(...(uploader ? [uploader.named()] : []));
    const again = agent.transfers.get(transfer.infohash);
    await again.resume();
    await waitFor(() => again.fault === 'NAME_MISMATCH', { what: 'the refusal', seen: () => again.view() });
    expect(await written()).toEqual([]);
    expect(tracker.files).toHaveLength(1);
  });

  it('completes although a stranger claims another size, and another name, of the same infohash', async () => {
    const metainfo = metainfoOf(data, PIECE, 'report.pdf');
    await listed(metainfo, { size: 10, disputed: true });
    agent.tracker.files.push({ ...agent.tracker.files[0]!, name: 'bait.pdf' });
    expect(await agent.finished(await get('report.pdf'))).toEqual(data);
  });

  it('is refused under the name that a stranger claims of it', async () => {
    await listed(metainfoOf(data, PIECE, 'report.pdf'), { disputed: true });
    agent.tracker.files.push({ ...agent.tracker.files[0]!, name: 'bait.pdf' });
    const transfer = await get('bait.pdf');
    await inState(transfer, 'failed');
    expect(transfer.fault).toBe('NAME_MISMATCH');
  });

  it('completes under a hidden name, since it was asked for', async () => {
    await listed(metainfoOf(data, PIECE, '.env'));
    expect(await agent.finished(await get('.env'))).toEqual(data);
  });
});

describe('a download that was asked for by infohash', () => {
  it('takes the name of the content, whatever the catalogue says', async () => {
    const metainfo = metainfoOf(data, PIECE, 'model.bin');
    await listed(metainfo, { name: 'lies.bin', size: 1 });
    const transfer = await get(metainfo.infohash);
    expect(await agent.finished(transfer)).toEqual(data);
    expect(transfer.name).toBe('model.bin');
  });

  it('is refused if the content has a hidden name', async () => {
    const metainfo = metainfoOf(data, PIECE, '.ssh');
    await listed(metainfo, { name: 'model.bin' });
    const transfer = await get(metainfo.infohash.slice(0, 12));
    await inState(transfer, 'failed');
    expect(transfer.fault).toBe('HIDDEN_NAME');
    expect(await written()).toEqual([]);
  });

  it('completes under a hidden name that was requested besides, whatever the catalogue says', async () => {
    const metainfo = metainfoOf(data, PIECE, '.env');
    await listed(metainfo, { name: 'lies.bin', size: 1 });
    expect(await agent.finished(await get(metainfo.infohash, '.env'))).toEqual(data);
  });

  it('is refused if the content has another name than was requested besides', async () => {
    const metainfo = metainfoOf(data, PIECE, 'model.bin');
    await listed(metainfo);
    const transfer = await get(metainfo.infohash, 'other.bin');
    await inState(transfer, 'failed');
    expect(transfer.fault).toBe('NAME_MISMATCH');
  });
});

describe('a download of a .torrent', () => {
  it('is refused at once if the content has a hidden name, and leaves no transfer', async () => {
    await expect(getTorrent(metainfoOf(data, PIECE, '.ssh'))).rejects.toMatchObject({
      code: 'precondition',
      reason: 'HIDDEN_NAME',
      message: expect.stringContaining('the content is ".ssh" (32768 bytes), which is a hidden name'),
      metadata: { setting: 'name=.ssh' },
    });
    expect(agent.transfers.list()).toEqual([]);
    expect((await agent.folder.tree()).filter((path) => path.includes('.ssh'))).toEqual([]);
  });

  it('is refused if the content has another name than was requested besides', async () => {
    await expect(getTorrent(metainfoOf(data, PIECE, '.ssh'), '.env')).rejects.toMatchObject({
      reason: 'NAME_MISMATCH',
    });
    expect(agent.transfers.list()).toEqual([]);
  });

  it('completes under a hidden name that was requested besides', async () => {
    const metainfo = metainfoOf(data, PIECE, '.env');
    await listed(metainfo);
    expect(await agent.finished(await getTorrent(metainfo, '.env'))).toEqual(data);
  });

  it('that this agent shares itself is known, whatever its name', async () => {
    const path = await agent.folder.write('.env', data);
    const { signal } = new AbortController();
    const options = { path, name: '', pieceLength: 0, signal, progress: () => undefined };
    const { transfer, metainfo } = await agent.transfers.share(options);
    expect((await getTorrent(metainfo)).infohash).toBe(transfer.infohash);
  });
});
