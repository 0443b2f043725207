import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Metainfo } from '@enjambre/core/metainfo';
import { NO_LIMITS } from '../src/domain/limits/limit-settings.js';
import { bytesOf, metainfoOf } from './support/content.js';
import { DownloadAgent } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { Uploader } from './support/uploader.js';

const KIB = 1024;
/** Sixteen blocks of 256 KiB. */
const data = bytesOf(4096 * KIB);

let seed: TestFolder;
let metainfo: Metainfo;
let uploader: Uploader;
let agent: DownloadAgent;

beforeEach(async () => {
  seed = await TestFolder.make();
  metainfo = metainfoOf(data, 512 * KIB);
  uploader = await Uploader.start(metainfo, await seed.write('file.bin', data));
  agent = await DownloadAgent.start();
  agent.tracker.add(uploader.named());
});

afterEach(async () => {
  await agent.stop();
  await uploader.stop();
  await seed.remove();
});

describe('a download', () => {
  it('completes correctly under its own limit, which is raised and lifted on the way', async () => {
    const source = { kind: 'metainfo', bytes: metainfo.bytes } as const;
    const { transfer } = await agent.transfers.download(source, {
      outputDir: '',
      limits: { maxDownload: 200_000 },
    });
    await waitFor(() => transfer.record.downloadedBytes > 0, { what: 'the first block' });
    // Requested one by one: the second waits until the first is paid for.
    expect(uploader.ledger.uploaded).toBeLessThan(3 * 256 * KIB);
    transfer.limits.change({ maxDownload: 4_000_000 });
    await waitFor(() => transfer.record.downloadedBytes >= 1024 * KIB, { what: 'the next ones' });
    transfer.limits.change({ maxDownload: 0 });
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(transfer.view().record).toMatchObject({ ...NO_LIMITS, wastedBytes: 0 });
    expect(agent.bans.struck).toEqual([]);
  });

  it('completes correctly from an uploader with a low limit, whose blocks come in parts', async () => {
    uploader.limiter.setLimit(1_000_000, performance.now());
    const transfer = await agent.download(metainfo);
    await waitFor(() => transfer.record.downloadedBytes > 0, { what: 'the first block' });
    expect(uploader.reads.started).toBeGreaterThan(5);
    uploader.limiter.setLimit(0, performance.now());
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(agent.bans.struck).toEqual([]);
  });

  it("is bound by the agent's limit, and continues when that is lifted", async () => {
    agent.limits.change({ maxDownload: 100_000 });
    const transfer = await agent.download(metainfo);
    await waitFor(() => transfer.record.downloadedBytes > 0, { what: 'the first block' });
    expect(transfer.record.downloadedBytes).toBeLessThan(3 * 256 * KIB);
    agent.limits.change({ maxDownload: 0 });
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
  });
});

describe('limits', () => {
  it('of a transfer survive a restart, and those of the agent do not', async () => {
    const limits = { maxUpload: 1_000_000, maxDownload: 2_000_000, priority: 'high' } as const;
    const source = { kind: 'metainfo', bytes: metainfo.bytes } as const;
    await agent.transfers.download(source, { outputDir: '', limits });
    agent.limits.change({ maxUpload: 5_000_000 });
    await agent.halt();
    agent = await DownloadAgent.start(agent.folder);
    const transfer = agent.transfers.get(metainfo.infohash);
    expect(transfer.limits.settings).toEqual(limits);
    expect([transfer.limits.upload.weight, transfer.limits.download.limit]).toEqual([4, 2_000_000]);
    expect(agent.limits.settings).toEqual({ maxUpload: 0, maxDownload: 0 });
  });

  it('of a transfer stay unchanged if a new share or download sets none', async () => {
    const path = await agent.folder.write('original.bin', data);
    const { signal } = new AbortController();
    const share = { path, name: '', pieceLength: 512 * KIB, signal, progress: () => undefined };
    const { transfer } = await agent.transfers.share({ ...share, limits: { maxUpload: 9000 } });
    const again = await agent.transfers.share({ ...share, limits: { priority: 'low' } });
    expect(again).toMatchObject({
      already: true,
      transfer: { limits: { settings: { maxUpload: 9000, priority: 'low' } } },
    });
    await transfer.pause();
    const afterPause = await agent.transfers.share(share);
    expect(afterPause.transfer).toBe(transfer);
    expect(transfer.state).toBe('seeding');
    expect(transfer.limits.settings).toEqual({ maxUpload: 9000, maxDownload: 0, priority: 'low' });
  });
});
