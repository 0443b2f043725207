import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { InfoHash } from '@enjambre/core/ids';
import type { StoreListener, TrackerStore } from '../../src/app/ports.js';
import { newReplicaId } from '../../src/app/network.js';
import type { FileRecord } from '../../src/domain/catalogue.js';
import { sameVersions } from '../../src/domain/versions.js';
import { publicationKey, type Publication } from '../../src/domain/publications.js';
import type { ReplicaId, ReplicaMessage, SessionState, Snapshot } from '../../src/domain/replica-state.js';
import { MODEL, sampleHash, samplePeer } from '../samples.js';

/** Opens the store of another tracker in the same network, without starting it. */
export type OpenStore = (id: ReplicaId) => TrackerStore;

/** A store's listener that records its calls. */
export class RecordingTracker implements StoreListener {
  readonly id = newReplicaId();
  readonly messages: ReplicaMessage[] = [];
  readonly records = new Map<InfoHash, FileRecord>();
  readonly publications = new Map<string, Publication>();
  timesReachable = 0;
  holds: Snapshot = { sequence: 0, sessions: [] };
  readonly store: TrackerStore;

  constructor(open: OpenStore) {
    this.store = open(this.id);
  }

  reachable(): void {
    this.timesReachable += 1;
  }

  heard(message: ReplicaMessage): void {
    this.messages.push(message);
  }

  recorded(infohash: InfoHash, record: FileRecord | undefined): void {
    if (record) this.records.set(infohash, record);
    else this.records.delete(infohash);
  }

  published(publication: Publication): void {
    this.publications.set(publicationKey(publication), publication);
  }

  snapshot(): Snapshot {
    return this.holds;
  }

  say(sequence: number): void {
    this.store.publish({ type: 'changes', replica: this.id, sequence, changes: changesOf(sequence) });
  }
}

export function sampleRecord(number: number, change: Partial<FileRecord> = {}): FileRecord {
  return {
    infohash: sampleHash(number),
    file: { ...MODEL, name: `ñ-\u{1f41d}-${number}` },
    firstShare: { at: 1_700_000_000_123, by: 'alice' },
    ...change,
  };
}

export function samplePublication(name: string, ...versions: [infohash: number, at: number][]): Publication {
  const { id } = samplePeer(1);
  return {
    publisher: { id, name: 'alice' },
    name,
    party: '10.0.0.1',
    versions: versions.map(([number, at], index) => ({
      infohash: sampleHash(number),
      version: index + 1,
      at: 1_700_000_000_000 + at,
    })),
  };
}

function sampleSession(number: number, members = 1): SessionState {
  const file = { ...MODEL, name: `file of ${number}` };
  const firstShare = { at: 1_700_000_000_000, by: 'alice' };
  return {
    peer: { ...samplePeer(number), labels: { zone: 'eu-1', node: `n${number}` } },
    connectedAt: 1_700_000_000_000 + number,
    epoch: 1_700_000_000_500 + number,
    party: `10.0.0.${number}`,
    members: [...Array(members).keys()].map((member) => ({
      infohash: sampleHash(member + 1),
      seeder: member % 2 === 0,
      sharing: member % 4 === 0,
      leftBytes: member % 2 === 0 ? 0 : 2 ** 40 + member,
      downloadedBytes: member,
      uploadedBytes: 7,
      file: member % 3 === 2 ? undefined : file,
      firstShare: member % 3 === 1 ? undefined : firstShare,
    })),
    left: [sampleHash(200)],
  };
}

function changesOf(number: number) {
  return { ended: [{ peerId: samplePeer(number + 1).id, epoch: number }], sessions: [sampleSession(number)] };
}

/** Contract of every {@link TrackerStore}. `create` creates an empty network. */
export function trackerStoreContract(create: () => Promise<OpenStore>): void {
  describe('a tracker store', () => {
    let open: OpenStore;
    let trackers: RecordingTracker[];

    beforeEach(async () => {
      open = await create();
      trackers = [];
    });

    afterEach(() => Promise.all(trackers.map(({ store }) => store.stop())));

    const started = async (): Promise<RecordingTracker> => {
      const tracker = new RecordingTracker(open);
      trackers.push(tracker);
      await tracker.store.start(tracker);
      await waitFor(() => tracker.store.available, { what: 'the store' });
      return tracker;
    };
    const knows = (tracker: RecordingTracker, record: FileRecord): Promise<FileRecord> =>
      waitFor(
        () => {
          const known = tracker.records.get(record.infohash);
          return JSON.stringify(known) === JSON.stringify(record) ? known : undefined;
        },
        { what: 'the record' },
      );

    test('is available once it has started', async () => {
      const tracker = await started();
      expect([tracker.store.connected, tracker.store.available]).toEqual([true, true]);
      expect(tracker.timesReachable).toBeGreaterThanOrEqual(1);
    });

    test('sends a record that one tracker stores to all, unchanged', async () => {
      const [one, other] = [await started(), await started()];
      const record = sampleRecord(1);
      expect(await one.store.keep(record)).toEqual(record);
      for (const tracker of [one, other]) expect(await knows(tracker, record)).toEqual(record);
    });

    test('sends all records to a late tracker', async () => {
      const first = await started();
      const records = [1, 2, 3].map((number) => sampleRecord(number));
      for (const record of records) await first.store.keep(record);
      const late = await started();
      for (const record of records) await knows(late, record);
    });

    test('keeps the first description, and the first share', async () => {
      const [one, other] = [await started(), await started()];
      const found = sampleRecord(1, { firstShare: undefined });
      await one.store.keep(found);
      const renamed = sampleRecord(1, { file: { ...MODEL, name: 'renamed' } });
      const standing = { ...found, firstShare: renamed.firstShare };
      expect(await other.store.keep(renamed)).toEqual(standing);
      expect(await one.store.keep(sampleRecord(1, { firstShare: { at: 5, by: 'bob' } }))).toEqual(standing);
      for (const tracker of [one, other]) await knows(tracker, standing);
    });

    test('returns the same record to all trackers that store different ones at once', async () => {
      const several = [await started(), await started(), await started()];
      const answers = await Promise.all(
        several.map(({ store }, index) =>
          store.keep(sampleRecord(1, { file: { ...MODEL, name: `by ${index}` } })),
        ),
      );
      const [answer] = answers;
      for (const other of answers) expect(other).toEqual(answer);
      for (const tracker of several) await knows(tracker, answer!);
    });

    test('forgets a record for every tracker, and stores it again', async () => {
      const [one, other] = [await started(), await started()];
      await one.store.keep(sampleRecord(1));
      await knows(other, sampleRecord(1));
      await other.store.forget(sampleHash(1));
      await waitFor(() => one.records.size === 0 && other.records.size === 0, {
        what: 'all trackers to forget it',
      });
      const anew = sampleRecord(1, { file: { ...MODEL, name: 'anew' } });
      expect(await one.store.keep(anew)).toEqual(anew);
      for (const tracker of [one, other]) await knows(tracker, anew);
      await one.store.forget(sampleHash(9)); // It does not exist.
    });

    test('sends the versions of a name to all trackers, also to a late one', async () => {
      const [one, other] = [await started(), await started()];
      const publication = samplePublication('ñ-\u{1f41d}', [1, 5], [2, 9]);
      expect(await one.store.keepPublication(publication)).toEqual(publication);
      for (const tracker of [one, other, await started()])
        await waitFor(() => tracker.publications.size === 1, { what: 'the publication' });
      expect([...trackers.at(-1)!.publications.values()]).toEqual([publication]);
    });

    test('forgets the versions of a name, so that a late tracker does not learn them', async () => {
      const one = await started();
      await one.store.keepPublication(samplePublication('a', [1, 5]));
      await one.store.keepPublication(samplePublication('b', [2, 5]));
      await one.store.forgetPublication(publicationKey(samplePublication('a', [1, 5])));
      const late = await started();
      await waitFor(() => late.publications.size > 0, { what: 'the publication' });
      expect([...late.publications.values()]).toEqual([samplePublication('b', [2, 5])]);
    });

    test('merges what trackers store at once of one name and publisher', async () => {
      const [one, other] = [await started(), await started()];
      await Promise.all([
        one.store.keepPublication(samplePublication('a', [1, 5], [2, 9])),
        other.store.keepPublication(samplePublication('a', [1, 5], [3, 7])),
      ]);
      const merged = samplePublication('a', [1, 5], [3, 7], [2, 9]);
      for (const { publications } of [one, other])
        await waitFor(
          () => [...publications.values()].every((known) => sameVersions(known.versions, merged.versions)),
          { what: 'the merged versions', seen: () => [...publications.values()] },
        );
    });

    test('sends messages of a tracker to all others, in order, and not to itself', async () => {
      const [one, other, third] = [await started(), await started(), await started()];
      one.store.publish({
        type: 'heartbeat',
        replica: one.id,
        sequence: 0,
        name: 'one',
        holdings: { sessions: 2, members: 3 },
      });
      for (let sequence = 1; sequence <= 20; sequence++) one.say(sequence);
      one.store.publish({ type: 'farewell', replica: one.id, sequence: 20 });
      for (const { messages } of [other, third]) {
        await waitFor(() => messages.length >= 22, { what: 'all messages' });
        expect(messages.map(({ type }) => type)).toEqual([
          'heartbeat',
          ...Array<string>(20).fill('changes'),
          'farewell',
        ]);
        expect(messages.map(({ sequence }) => sequence)).toEqual([...Array(21).keys(), 20]);
        expect(messages[0]).toMatchObject({ name: 'one', holdings: { sessions: 2, members: 3 } });
        expect(messages[2]).toEqual({ type: 'changes', replica: one.id, sequence: 2, changes: changesOf(2) });
      }
      expect(one.messages).toEqual([]);
    });

    test('requests the snapshot of another tracker, of any size', async () => {
      const [one, other] = [await started(), await started()];
      const { signal } = new AbortController();
      expect(await other.store.snapshotOf(one.id, signal)).toEqual({ sequence: 0, sessions: [] });
      const sessions = [sampleSession(1, 3), sampleSession(2, 20_000), sampleSession(3, 0)];
      one.holds = { sequence: 77, sessions };
      const snapshot = await other.store.snapshotOf(one.id, signal);
      expect(snapshot.sequence).toBe(77);
      for (const { peer, members, ...facts } of sessions) {
        const parts = snapshot.sessions.filter((part) => part.peer.id === peer.id);
        expect(parts.flatMap((part) => part.members)).toEqual(members);
        expect(parts[0]).toMatchObject({ peer, ...facts });
      }
    });

    test('fails to request a snapshot from a stopped tracker', async () => {
      const [one, other] = [await started(), await started()];
      await one.store.stop();
      const signal = AbortSignal.timeout(10_000);
      await expect(other.store.snapshotOf(one.id, signal)).rejects.toMatchObject({ reason: 'TRACKER_AWAY' });
      expect(signal.aborted).toBe(false);
    });
  });
}
