import { beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { Bitfield } from '@enjambre/core/bitfield';
import type { Metainfo } from '@enjambre/core/metainfo';
import { VirtualClock } from '@enjambre/harness/virtual-clock';
import { bytesOf, metainfoOf } from '../../../test/support/content.js';
import { MemoryDisk } from '../../../test/support/memory-disk.js';
import { MemoryStores } from '../../../test/support/memory-piece-store.js';
import { overriding } from '../../../test/support/overriding.js';
import { MemorySwarm } from '../../../test/support/memory-swarm.js';
import { MemoryTracker } from '../../../test/support/memory-tracker.js';
import { peerNamed } from '../../../test/support/ids.js';
import { OutstandingBudget } from '../../domain/download/outstanding-budget.js';
import { NO_LIMITS } from '../../domain/limits/limit-settings.js';
import { seededRandom } from '../../domain/random.js';
import { Bans } from '../agent/bans.js';
import { identityOf, newRecord } from '../agent/identity.js';
import { AgentLimits } from '../agent/limits.js';
import { SEED_FOREVER } from '../../domain/limits/seed-limits.js';
import { Locality } from '../agent/locality.js';
import { Meter } from '../agent/meter.js';
import type { ProgressLog, TransferArchive } from '../ports/archives.js';
import type { PieceStore } from '../ports/piece-store.js';
import type { StoreFactory } from '../ports/store-factory.js';
import { ComplaintTurns } from '../upload/complaint-turns.js';
import { Transfer } from './transfer.js';

// The app layer alone, on virtual time: no disk, no network, no wait.

const PIECE = 256 * 1024;
const data = bytesOf(8 * PIECE);
const metainfo = metainfoOf(data, PIECE, 'model.bin');
const target = '/downloads/model.bin';
const log = createLogger({ name: 'test', level: 'silent' });
const NEVER = new AbortController().signal;

/** What is saved of one transfer, and when its progress was. */
class MemoryArchive implements TransferArchive, ProgressLog {
  readonly savedMs: number[] = [];
  #have: Bitfield | undefined;
  #metainfo: Metainfo | undefined = metainfo;

  constructor(private readonly clock: VirtualClock) {}

  load(): Promise<never[]>;
  load(pieceCount: number): Promise<{ have: Bitfield; unsure: readonly number[] }>;
  load(pieceCount?: number): Promise<never[] | { have: Bitfield; unsure: readonly number[] }> {
    if (pieceCount === undefined) return Promise.resolve([]);
    return Promise.resolve({ have: this.#have ?? Bitfield.empty(pieceCount), unsure: [] });
  }

  async save(what: unknown): Promise<void> {
    if (!(what instanceof Bitfield)) return;
    this.#have = what.clone();
    this.savedMs.push(this.clock.nowMs());
    if (savingMs > 0 && what.isFull()) await this.clock.sleep(savingMs, NEVER);
  }

  note(): void {
    // The bitfield alone is kept here.
  }

  clear(): Promise<void> {
    this.#have = undefined;
    return Promise.resolve();
  }

  readMetainfo(): Promise<Metainfo | undefined> {
    return Promise.resolve(this.#metainfo);
  }

  writeMetainfo(written: Metainfo): Promise<void> {
    this.#metainfo = written;
    return Promise.resolve();
  }

  progress(): ProgressLog {
    return this;
  }

  disown(): Promise<void> {
    return Promise.resolve();
  }

  keep(): void {
    // Nothing is disowned here.
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }
}

let clock: VirtualClock;
let disk: MemoryDisk;
let swarm: MemorySwarm;
let tracker: MemoryTracker;
let archive: MemoryArchive;
let transfer: Transfer;
/** States in the order in which they were entered, with the time. */
let entered: string[];

beforeEach(async () => {
  clock = new VirtualClock();
  disk = new MemoryDisk();
  swarm = new MemorySwarm({ metainfo, data });
  tracker = new MemoryTracker();
  archive = new MemoryArchive(clock);
  entered = [];
  [savingMs, namingMs] = [0, 0];
  const memory = new MemoryStores(disk);
  const stores: StoreFactory = {
    original: (of, path) => memory.original(of, path),
    download: (of, folder, inPlace) => slow(memory.download(of, folder, inPlace)),
    checkTarget: () => Promise.resolve(true),
    rehearse: () => Promise.resolve(),
    room: () => Promise.resolve(undefined),
    moveDownload: () => Promise.resolve(),
    realFolder: (folder) => Promise.resolve(folder),
    relate: () => Promise.resolve('apart'),
  };
  const noBans = { load: () => Promise.resolve([]), save: () => Promise.resolve() };
  const record = newRecord(identityOf(metainfo), {
    origin: false,
    location: '/downloads',
    nowMs: clock.epochMs(),
  });
  transfer = new Transfer(record, {
    clock,
    archive,
    stores,
    connector: swarm,
    tracker,
    bans: new Bans({ clock, archive: noBans, tracker, log }),
    random: seededRandom(1),
    budget: new OutstandingBudget(),
    limits: new AgentLimits(clock, NO_LIMITS, SEED_FOREVER),
    locality: new Locality(peerNamed('self')),
    meter: new Meter(),
    turns: new ComplaintTurns(clock),
    log,
    claim: () => Promise.resolve(),
    checkRoom: () => Promise.resolve(),
    replacement: {
      isAllowed: () => Promise.resolve(false),
      replacedBy: () => Promise.resolve([]),
      supersede: () => Promise.resolve(),
    },
    moved: () => undefined,
    changed: () => {
      const { state } = transfer;
      if (!entered.at(-1)?.startsWith(`${state} `)) entered.push(`${state} ${clock.nowMs()}`);
    },
    counted: () => undefined,
    save: () => Promise.resolve(),
  });
  await transfer.start('started');
});

/** How long the store takes to give the content its name, and the archive to save the progress. */
let namingMs = 0;
let savingMs = 0;

function slow(store: PieceStore): PieceStore {
  return overriding(store, {
    publish: async () => {
      await clock.sleep(namingMs, NEVER);
      return store.publish();
    },
  });
}

describe('a transfer on virtual time', () => {
  it('says what it does between the last byte and seeding, without an estimate of the download', async () => {
    [savingMs, namingMs] = [4000, 10_000];
    tracker.add(swarm.uploader('alice').address);
    await clock.advance(2000);
    const { state, message, timeLeft, downloadRate } = transfer.view();
    expect({ state, message, timeLeft, downloadRate }).toEqual({
      state: 'downloading',
      message: 'writing all data to the disk',
      timeLeft: undefined,
      downloadRate: 0,
    });
    await clock.advance(5000);
    expect(transfer.view().message).toBe('syncing the disk, and giving the content its final name');
    await clock.advance(12_000);
    expect(transfer.view()).toMatchObject({ state: 'seeding', message: '' });
    await transfer.stop();
  });

  it('gives no estimate that a rate of almost zero makes absurd', async () => {
    const alice = swarm.uploader('alice').only(0);
    tracker.add(alice.address);
    await clock.advance(1500);
    expect(transfer.view().timeLeft).toBeGreaterThan(0);
    await clock.advance(3000);
    expect(transfer.view()).toMatchObject({
      timeLeft: undefined,
      message: 'no connected peer has the missing pieces',
    });
    await transfer.stop();
  });

  it('downloads, takes its name and seeds', async () => {
    tracker.add(swarm.uploader('alice').address);
    await clock.advance(1000);
    expect(transfer.state).toBe('seeding');
    expect(disk.fileAt(target)?.bytes.equals(data)).toBe(true);
    expect(tracker.said).toEqual(['started', 'completed']);
    await transfer.stop();
  });

  it('saves its progress every five seconds while pieces arrive', async () => {
    const alice = swarm.uploader('alice').only(0);
    tracker.add(alice.address);
    await clock.advance(6000);
    alice.gain(1);
    await clock.advance(6000);
    expect(transfer.view().donePieceCount).toBe(2);
    // At its start, and every five seconds after.
    expect(archive.savedMs).toEqual([0, 5000, 10_000]);
    await transfer.stop();
  });

  it('says for how long nothing has come, and turns to a peer that answers', async () => {
    const silent = swarm.uploader('silent');
    silent.hold();
    tracker.add(silent.address);
    await clock.advance(9500);
    expect(transfer.view().message).toMatch(/no data received for 9s/);
    tracker.add(swarm.uploader('alice').address);
    await clock.advance(20_000);
    expect(transfer.state).toBe('seeding');
    await transfer.stop();
  });

  it('notices content that disappears within two seconds, and seeds again once it is back and steady', async () => {
    tracker.add(swarm.uploader('alice').address);
    await clock.advance(1000);
    const file = disk.fileAt(target);
    disk.remove(target);
    await clock.advance(2500);
    expect(transfer.state).toBe('missing');
    expect(transfer.view().message).toMatch(/model\.bin is missing/);
    await clock.advance(3_600_000);
    expect(transfer.state).toBe('missing');
    disk.put(target, file?.bytes ?? Buffer.alloc(0));
    await clock.advance(7000);
    expect(transfer.state).toBe('seeding');
    expect(tracker.said).toEqual(['started', 'completed', 'withdraw', 'shared']);
    await transfer.stop();
  });

  it('stops at once when it is paused, also while it waits, and has kept what it had', async () => {
    tracker.add(swarm.uploader('alice').only(0, 1, 2).address);
    await clock.advance(1000);
    await transfer.pause();
    expect([transfer.state, transfer.record.doneBytes]).toEqual(['paused', 3 * PIECE]);
    await clock.advance(60_000);
    expect(entered.at(-1)).toBe('paused 1000');
    tracker.add(swarm.uploader('bob').address);
    await transfer.resume();
    await clock.advance(1000);
    expect(transfer.state).toBe('seeding');
    expect(transfer.record.downloadedBytes).toBe(data.length);
    await transfer.stop();
  });

  it('ends its seeding when its time is over, in which only seeding counts, and seeds on when resumed', async () => {
    transfer.limits.change({ seedTimeMs: 60_000 });
    tracker.add(swarm.uploader('alice').only(0).address);
    await clock.advance(600_000);
    expect(transfer.record.seededMs).toBe(0);
    tracker.add(swarm.uploader('bob').address);
    await clock.advance(31_000);
    await transfer.pause();
    await clock.advance(600_000);
    await transfer.resume();
    await clock.advance(20_000);
    expect(transfer.state).toBe('seeding');
    await clock.advance(15_000);
    expect(transfer.view()).toMatchObject({
      state: 'finished',
      reason: 'SEED_TIME_REACHED',
      message: 'seeding ended after 1m, its limit',
      record: { goal: 'pause', complete: true },
      seedLimits: { seedRatio: Infinity, seedTimeMs: 60_000 },
    });
    expect(transfer.seeding.isDone).toBe(true);
    expect(transfer.serving).toBeUndefined();
    expect(tracker.said.at(-1)).toBe('withdraw');

    await transfer.resume();
    await clock.advance(600_000);
    expect(transfer.view()).toMatchObject({ state: 'seeding', reason: '', record: { seedTimeMs: Infinity } });
    await transfer.stop();
  });

  it('is not seeded after completion with a ratio of 0, and is once the limit is removed', async () => {
    transfer.limits.change({ seedRatio: 0 });
    tracker.add(swarm.uploader('alice').address);
    await clock.advance(1000);
    expect([transfer.state, transfer.view().reason]).toEqual(['finished', 'SEED_RATIO_REACHED']);
    expect(tracker.said).toEqual(['started', 'completed', 'withdraw']);
    transfer.limits.change({ seedRatio: 2 });
    expect(transfer.seeding.isDone).toBe(false);
    await transfer.resume();
    await clock.advance(5000);
    expect([transfer.state, transfer.record.seedRatio]).toEqual(['seeding', 2]);
    await transfer.stop();
  });
});
