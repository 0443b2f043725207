import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { PieceStore } from '../src/app/ports/piece-store.js';
import type { Transfer } from '../src/app/transfer/transfer.js';
import { OutstandingBudget } from '../src/domain/download/outstanding-budget.js';
import type { Cause } from '../src/domain/explain/causes.js';
import { explain, type Explanation } from '../src/domain/explain/explanation.js';
import { bytesOf, metainfoOf } from './support/content.js';
import { DownloadAgent, type AgentParts } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { overriding } from './support/overriding.js';
import { Uploader } from './support/uploader.js';

const KIB = 1024;
const PIECE = 64 * KIB;
const data = bytesOf(32 * PIECE);

let seed: TestFolder;
let metainfo: Metainfo;
let uploader: Uploader;
let agent: DownloadAgent;

beforeEach(async () => {
  seed = await TestFolder.make();
  metainfo = metainfoOf(data, PIECE);
  uploader = await Uploader.start(metainfo, await seed.write('file.bin', data));
});

afterEach(async () => {
  await agent.stop();
  await uploader.stop();
  await seed.remove();
});

async function begin(parts: AgentParts = {}, labels = {}): Promise<Transfer> {
  agent = await DownloadAgent.start(undefined, parts);
  agent.tracker.add(uploader.named(labels));
  return agent.download(metainfo);
}

function explained(transfer: Transfer): Explanation {
  return explain(transfer.view().record);
}

const msOf = ({ spent }: Explanation, cause: Cause): number =>
  spent.find((share) => share.cause === cause)?.ms ?? 0;

describe('the explanation of a download', () => {
  it('names the disk as the bottleneck if it writes slowly', async () => {
    const slow = (store: PieceStore): PieceStore =>
      overriding(store, {
        write: async (...block) => {
          await delay(60);
          return store.write(...block);
        },
      });
    const transfer = await begin({
      budget: new OutstandingBudget(2 * PIECE),
      stores: (files) => overriding(files, { download: (...place) => slow(files.download(...place)) }),
    });
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    const { spent, conclusion, sources } = explained(transfer);
    expect(spent[0]?.cause).toBe('disk');
    expect(conclusion).toMatch(/^the disk was the bottleneck for \d+ % of the time/);
    expect(sources).toMatchObject([{ name: 'uploader', received: data.length }]);
  });

  it('names the uploaders if none has a slot for it', async () => {
    await uploader.stop();
    uploader = await Uploader.start(metainfo, seed.at('file.bin'), { uploadSlots: 0 });
    const transfer = await begin();
    await waitFor(() => msOf(explained(transfer), 'uploaders') > 300, { what: 'time spent on waiting' });
    const { spent, sources } = explained(transfer);
    expect(sources).toEqual([]);
    const waited = spent.find(({ cause }) => cause === 'uploaders');
    expect(waited?.stalledMs).toBe(waited?.ms);
  });

  it('counts pauses and time without the agent as such, even in another process', async () => {
    const transfer = await begin();
    await agent.finished(transfer);
    const whole = explained(transfer).totalMs;
    await delay(20);
    expect(explained(transfer).totalMs).toBe(whole);

    await agent.transfers.remove(transfer, true);
    uploader.limiter.setLimit(500_000, performance.now());
    const slow = await agent.download(metainfo);
    await waitFor(() => slow.view().donePieceCount > 0, { what: 'a piece' });
    await slow.pause();
    await waitFor(() => msOf(explained(slow), 'paused') > 50, { what: 'a pause' });
    await slow.resume();
    await agent.halt();
    const before = explained(slow);
    await delay(50);
    agent = await DownloadAgent.start(agent.folder);
    const again = agent.transfers.get(metainfo.infohash);
    expect(msOf(explained(again), 'off')).toBeGreaterThanOrEqual(50);
    expect(msOf(explained(again), 'paused')).toBeCloseTo(msOf(before, 'paused'), -1);
    uploader.limiter.setLimit(0, performance.now());
    agent.tracker.add(uploader.named());
    expect((await agent.finished(again)).equals(data)).toBe(true);
    const { totalMs, spent } = explained(again);
    expect(spent.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(totalMs, 3);
  });

  it('has the times of metainfo and first block, and the distance of the source', async () => {
    const transfer = await begin({}, { zone: 'elsewhere' });
    await agent.finished(transfer);
    const { account, traffic, peers } = transfer.view().record;
    expect(account.metainfoAtMs).toBeGreaterThanOrEqual(0);
    expect(account.firstByteAtMs).toBeGreaterThanOrEqual(account.metainfoAtMs);
    // This agent has no labels.
    expect(peers).toMatchObject([{ distance: 'unknown' }]);
    expect(traffic.received.unknown).toBe(data.length);
    expect(agent.locality.traffic.record.received.unknown).toBe(data.length);
  });
});
