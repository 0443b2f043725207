import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { waitFor } from '@enjambre/harness/wait-for';
import { BansFile } from '../src/adapters/state/bans-file.js';
import { Bans } from '../src/app/agent/bans.js';
import type { BanArchive } from '../src/app/ports/archives.js';
import type { Ban } from '../src/domain/ban-list.js';
import { TestFolder } from './support/folder.js';
import { infoHash, peerNamed } from './support/ids.js';
import { MemoryTracker } from './support/memory-tracker.js';
import { SYSTEM_CLOCK } from '@enjambre/common/async/clock';

const HOUR = 3_600_000;
const log = createLogger({ name: 'test', level: 'silent' });
const infohash = infoHash('aa');
const mallory = { peerId: peerNamed('mallory'), name: 'mallory', infohash };
let folder: TestFolder;
let nowMs: number;
let tracker: MemoryTracker;

beforeEach(async () => {
  folder = await TestFolder.make();
  nowMs = Date.parse('2026-11-25T12:00:00Z');
  tracker = new MemoryTracker();
});

afterEach(() => folder.remove());

async function process(archive: BanArchive = new BansFile(folder.path, log)): Promise<Bans> {
  const bans = new Bans({ archive, tracker, log, clock: { ...SYSTEM_CLOCK, epochMs: () => nowMs } });
  await bans.start();
  return bans;
}

describe('Bans', () => {
  it('hold in the next process, until their hour is over', async () => {
    const first = await process();
    first.ban(mallory, 'sent wrong bytes');
    await first.stop();
    nowMs += HOUR - 1;
    const second = await process();
    expect(second.reasonFor(mallory.peerId)).toBe('sent wrong bytes');
    await second.stop();
    nowMs += 1;
    const third = await process();
    expect(third.reasonFor(mallory.peerId)).toBeUndefined();
    expect(third.list()).toEqual([]);
  });

  it('are on disk soon, without waiting for the process to end', async () => {
    const bans = await process();
    bans.ban(mallory, 'sent wrong bytes');
    const text = await waitFor(() => readFile(folder.at('bans.json'), 'utf8'), {
      retryErrors: true,
      what: 'the file',
    });
    expect(JSON.parse(text)).toEqual({
      version: 1,
      bans: [
        {
          peer_id: mallory.peerId,
          name: 'mallory',
          reason: 'sent wrong bytes',
          since: '2026-11-25T12:00:00.000Z',
          until: '2026-11-25T13:00:00.000Z',
        },
      ],
    });
    await bans.stop();
  });

  it('are reported to the tracker once each, and strikes before the third are not', async () => {
    const bans = await process();
    for (let breach = 1; breach <= 3; breach++, nowMs += 1000) {
      expect(tracker.bans).toEqual([]);
      bans.strike(mallory, `breach ${breach}`);
    }
    expect(tracker.bans).toEqual([{ peerId: mallory.peerId, reason: 'breach 3', infohash }]);
    await bans.stop();
    await (await process()).stop();
    expect(tracker.bans).toHaveLength(1);
  });

  it('that are lifted do not come back with the next process', async () => {
    const bans = await process();
    bans.ban(mallory, 'x');
    await expect(bans.lift('nobody')).rejects.toMatchObject({ reason: 'NOT_BANNED' });
    expect(await bans.lift('mallory')).toMatchObject({ peerId: mallory.peerId, reason: 'x' });
    expect(bans.reasonFor(mallory.peerId)).toBeUndefined();
    // Without a stop: an answered call survives a kill.
    expect((await process()).list()).toEqual([]);
    await bans.stop();
  });

  it('hold in this process when they cannot be saved', async () => {
    let attempts = 0;
    const broken: BanArchive = {
      load: () => Promise.resolve([] as Ban[]),
      save: () => {
        attempts += 1;
        return Promise.reject(new Error('disk full'));
      },
    };
    const bans = await process(broken);
    bans.ban(mallory, 'x');
    await waitFor(() => attempts > 0, { what: 'an attempt' });
    expect(bans.reasonFor(mallory.peerId)).toBe('x');
    await bans.stop();
  });

  it('are listed newest first', async () => {
    const bans = await process();
    for (const name of ['a', 'b', 'c']) {
      bans.ban({ peerId: peerNamed(name), name, infohash }, 'x');
      nowMs += 1000;
    }
    expect(bans.list().map(({ name }) => name)).toEqual(['c', 'b', 'a']);
    await bans.stop();
  });
});
