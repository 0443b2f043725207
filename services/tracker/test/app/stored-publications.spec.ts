import { describe, expect, test } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { VirtualClock } from '@enjambre/harness/virtual-clock';
import { MemoryStore } from '../../src/adapters/memory/memory-store.js';
import { Network } from '../../src/app/network.js';
import { networkParts } from '../../src/app/network-parts.js';
import { DEFAULT_CAPACITY } from '../../src/domain/capacity.js';
import type { FileRecord } from '../../src/domain/catalogue.js';
import type { Publication } from '../../src/domain/publications.js';
import type { Session } from '../../src/domain/swarm.js';
import { SwarmRegistry } from '../../src/domain/swarm-registry.js';
import { MODEL, sampleHash, samplePeer } from '../samples.js';

const HOUR_MS = 3_600_000;
const KEPT_MS = 30 * 24 * HOUR_MS;

/** As on NATS: what is stored stays for 30 days. */
class DurableStore extends MemoryStore {
  override readonly durable = true;
  override readonly keptMs = KEPT_MS;
  readonly records: string[] = [];
  readonly publications: string[] = [];
  readonly forgotten: string[] = [];

  override keep(record: FileRecord): Promise<FileRecord> {
    this.records.push(record.file.name);
    return super.keep(record);
  }

  override keepPublication(publication: Publication): Promise<Publication> {
    this.publications.push(publication.name);
    return super.keepPublication(publication);
  }

  override forgetPublication(key: string): Promise<void> {
    this.forgotten.push(key);
    return super.forgetPublication(key);
  }
}

class Site {
  readonly clock = new VirtualClock();
  readonly store = new DurableStore('a'.repeat(32));
  readonly registry: SwarmRegistry;
  readonly network: Network;

  constructor(limit: number, percent = 10) {
    const log = createLogger({ name: 'test', level: 'silent' });
    const { clock, store } = this;
    const limits = { maxRecords: limit, maxPublications: limit, percent };
    const parts = networkParts(
      { clock, store, log, ...limits },
      {
        onChange: () => undefined,
        onKept: (record) => this.network.recorded(record.infohash, record),
        onPublished: (publication) => this.network.published(publication),
      },
    );
    const { catalogue, publicationKeeper } = parts;
    const capacity = { ...DEFAULT_CAPACITY, publications: limit };
    const shared = { random: () => 0, startedAt: 0, capacity, addressBudget: percent };
    this.registry = new SwarmRegistry({ ...shared, catalogue, publicationKeeper });
    const init = { id: 'a'.repeat(32), name: 'tracker' };
    this.network = new Network({ ...parts, registry: this.registry, carryOut: () => undefined }, init);
  }

  connect(peer: number): Session {
    return this.registry.connect(samplePeer(peer), 0, { party: `10.0.0.${peer}` }).session;
  }

  share(session: Session, number: number): void {
    const file = { ...MODEL, name: `file ${number}` };
    this.registry.share(
      session,
      { infohash: sampleHash(number), file, restated: false },
      this.clock.epochMs(),
    );
  }
}

describe('the store of a network', () => {
  test('gets a bounded number of records and publications of one party, and those of others', async () => {
    const site = new Site(100);
    await site.network.start();
    const stranger = site.connect(1);
    for (let number = 1; number <= 300; number++) {
      site.share(stranger, number);
      if (number % 2) site.registry.withdraw(stranger, sampleHash(number));
    }
    await site.clock.advance(1);
    expect(site.store.records).toHaveLength(10);
    const writes = site.store.publications.length + site.store.forgotten.length;
    expect(writes).toBeLessThanOrEqual(10);
    // They are listed all the same.
    expect(site.registry.directory.claims(sampleHash(300))).toHaveLength(1);
    site.share(site.connect(2), 999);
    await site.clock.advance(1);
    expect(site.store.records).toContain('file 999');
    expect(site.store.publications).toContain('file 999');
    await site.network.stop();
  });

  test('gets each publication of which a peer is here again and again, in time', async () => {
    const site = new Site(1000, 100);
    await site.network.start();
    const publisher = site.connect(1);
    for (let number = 1; number <= 60; number++) site.share(publisher, number);
    const holder = site.connect(2);
    const gone = sampleHash(3);
    site.registry.announce(
      holder,
      {
        infohash: sampleHash(7),
        news: 'completed',
        leftBytes: 0,
        downloadedBytes: 0,
        uploadedBytes: 0,
        file: undefined,
        reason: '',
        message: '',
      },
      0,
    );
    site.registry.withdraw(publisher, gone);
    await site.clock.advance(1);
    site.store.publications.length = 0;
    await site.clock.advance(48 * HOUR_MS);
    const renewed = new Set(site.store.publications);
    expect(renewed.size).toBe(59);
    expect(renewed.has('file 3')).toBe(false);
    // Its publisher is away: a holder suffices.
    site.registry.disconnect(publisher, 'gone');
    site.store.publications.length = 0;
    await site.clock.advance(48 * HOUR_MS);
    expect(site.store.publications).toEqual(['file 7']);
    await site.network.stop();
  });
});
