import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { PeerAddress } from '../../src/app/ports/peers.js';
import type {
  BanReport,
  FileSummary,
  Membership,
  SharedFile,
  SwarmListener,
  TrackerPort,
} from '../../src/app/ports/tracker.js';
import { infoHash, peerNamed } from '../support/ids.js';

/**
 * An agent's tracker, as a test sees it: the port on one side, the network on the other. Initially there is no session.
 */
export interface TrackerSite {
  readonly tracker: TrackerPort;
  /** Opens a session. Resolves when it is established. */
  open(): Promise<void>;
  /** Ends the session; none opens until {@link open}. Resolves when there is none. */
  lose(): Promise<void>;
  /** Adds or changes a peer of a swarm. With `beyond` it is listed only for watches that request more peers. */
  join(infohash: InfoHash, peer: PeerAddress, beyond?: boolean): void;
  leave(infohash: InfoHash, peer: PeerId): void;
  /** Adds a file to the catalogue. */
  catalogue(file: SharedFile): void;
  /** Messages received in the last session, without watches: see {@link Heard}. */
  heard(): readonly Heard[];
  close(): Promise<void>;
}

/** A message that a tracker receives: a membership, a share, a withdrawal, or a ban. */
export type Heard =
  | {
      readonly type: 'announce';
      readonly infohash: InfoHash;
      /** Empty if it is only an update of state or byte counts. */
      readonly event: '' | 'started' | 'completed' | 'paused' | 'failed';
      readonly leftBytes: number;
      readonly reason: string;
      readonly message: string;
    }
  | { readonly type: 'offer'; readonly infohash: InfoHash; readonly isNew: boolean }
  | { readonly type: 'withdraw'; readonly infohash: InfoHash }
  | ({ readonly type: 'ban' } & BanReport);

type Change = Parameters<SwarmListener['peers']>[0];

const FULL = { reason: 'DISK_FULL', message: 'the disk is full' };
const NONE = { reason: '', message: '' };
const file: FileSummary = { name: 'model.bin', size: 1000, pieceLength: 16_384, fileCount: 1 };
const [one, other, marker] = [infoHash('aa'), infoHash('bb'), infoHash('ff')];
const membershipOf = (infohash: InfoHash, change: Partial<Membership> = {}): Membership => ({
  infohash,
  origin: false,
  file: undefined,
  signed: [],
  leftBytes: 900,
  downloadedBytes: 100,
  uploadedBytes: 0,
  addedAtMs: 0,
  ...change,
});
const peer = (name: string, change: Partial<PeerAddress> = {}): PeerAddress => ({
  peerId: peerNamed(name),
  name,
  endpoint: '10.0.0.8:7072',
  seeder: true,
  labels: {},
  ...change,
});

/** Records its calls. */
class Watcher implements SwarmListener {
  readonly changes: Change[] = [];

  peers(change: Change): void {
    this.changes.push(change);
  }

  /** The names of the peers in the swarm after all changes, in order. */
  get names(): string[] {
    const known = new Map<PeerId, string>();
    for (const { snapshot, upserted, removed } of this.changes) {
      if (snapshot) known.clear();
      for (const { peerId, name } of upserted) known.set(peerId, name);
      for (const peerId of removed) known.delete(peerId);
    }
    return [...known.values()].sort();
  }

  async until(names: readonly string[]): Promise<void> {
    await waitFor(() => this.names.join() === names.join(), {
      what: `the peers ${names.join()}`,
      everyMs: 2,
      timeoutMs: 10_000,
      seen: () => this.changes,
    });
  }
}

/** The contract of {@link TrackerPort}. `create` makes one without a session. */
export function trackerPortContract(create: () => Promise<TrackerSite>): void {
  describe('a tracker port', () => {
    let site: TrackerSite;
    let tracker: TrackerPort;

    beforeEach(async () => {
      site = await create();
      ({ tracker } = site);
    });

    afterEach(() => site.close());

    /** Messages received in this session on swarms other than the marker's, once there are this many. */
    const heard = async (count: number): Promise<readonly Heard[]> => {
      const others = () => site.heard().filter((each) => each.type === 'ban' || each.infohash !== marker);
      const enough = () => others().length >= count;
      await waitFor(enough, {
        what: `${count} messages`,
        everyMs: 2,
        timeoutMs: 10_000,
        seen: () => site.heard(),
      });
      return others();
    };
    /** All messages received so far. */
    const allHeard = async (): Promise<readonly Heard[]> => {
      const before = site.heard().length;
      tracker.announce(membershipOf(marker), 'update');
      const marked = () =>
        site
          .heard()
          .slice(before)
          .some((each) => each.type === 'announce' && each.infohash === marker);
      await waitFor(marked, { what: 'the marker', everyMs: 2, timeoutMs: 10_000, seen: () => site.heard() });
      return heard(0);
    };
    /** Resolves when everything that the tracker has sent has arrived. */
    const allTold = async (): Promise<void> => {
      const watcher = new Watcher();
      const name = `marker ${Math.random()}`;
      tracker.watch(marker, watcher);
      site.join(marker, peer(name));
      await waitFor(() => watcher.names.includes(name), {
        what: 'the marker',
        everyMs: 2,
        timeoutMs: 10_000,
        seen: () => watcher.changes,
      });
      tracker.unwatch(marker);
      site.leave(marker, peerNamed(name));
    };
    const watching = (infohash = one): Watcher => {
      const watcher = new Watcher();
      tracker.watch(infohash, watcher);
      expect(watcher.changes).toEqual([]);
      return watcher;
    };

    test('is connected while there is a session', async () => {
      expect(tracker.connected).toBe(false);
      await site.open();
      expect(tracker.connected).toBe(true);
      await site.lose();
      expect(tracker.connected).toBe(false);
      await site.open();
      expect(tracker.connected).toBe(true);
    });

    describe('for the watcher of a swarm', () => {
      test('lists its peers, and then those that join, change and leave', async () => {
        site.join(one, peer('bob', { endpoints: ['10.0.0.8:7072', '[fd99::8]:7072'] }));
        site.join(one, peer('carol', { seeder: false, labels: { zone: 'eu-1' } }));
        await site.open();
        const watcher = watching();
        await watcher.until(['bob', 'carol']);
        site.join(one, peer('dave'));
        site.join(one, peer('carol', { labels: { zone: 'eu-1' } }));
        site.leave(one, peerNamed('bob'));
        await watcher.until(['carol', 'dave']);
        const [snapshot, ...changes] = watcher.changes;
        expect(snapshot).toEqual({
          snapshot: true,
          upserted: [
            peer('bob', { endpoints: ['10.0.0.8:7072', '[fd99::8]:7072'] }),
            peer('carol', { seeder: false, labels: { zone: 'eu-1' } }),
          ],
          removed: [],
        });
        expect(changes).toEqual([
          { snapshot: false, upserted: [peer('dave')], removed: [] },
          { snapshot: false, upserted: [peer('carol', { labels: { zone: 'eu-1' } })], removed: [] },
          { snapshot: false, upserted: [], removed: [peerNamed('bob')] },
        ]);
      });

      test('lists them as soon as there is a session', async () => {
        site.join(one, peer('bob'));
        const watcher = watching();
        await site.open();
        await watcher.until(['bob']);
        expect(watcher.changes.map(({ snapshot }) => snapshot)).toEqual([true]);
      });

      test('lists all of them in each session, without those that left in between', async () => {
        for (const name of ['bob', 'carol']) site.join(one, peer(name));
        await site.open();
        const watcher = watching();
        await watcher.until(['bob', 'carol']);
        await site.lose();
        site.leave(one, peerNamed('bob'));
        site.join(one, peer('dave'));
        expect(watcher.names).toEqual(['bob', 'carol']);
        await site.open();
        await watcher.until(['carol', 'dave']);
        expect(watcher.changes.map(({ snapshot }) => snapshot)).toEqual([true, true]);
      });

      test('lists only the peers of that swarm', async () => {
        site.join(one, peer('bob'));
        site.join(other, peer('carol'));
        await site.open();
        const watchers = [watching(one), watching(other)];
        site.join(other, peer('dave'));
        await watchers[1]!.until(['carol', 'dave']);
        await watchers[0]!.until(['bob']);
      });

      test('lists no peers after the watch has ended, even in later sessions', async () => {
        site.join(one, peer('bob'));
        await site.open();
        const watcher = watching();
        await watcher.until(['bob']);
        tracker.unwatch(one);
        site.join(one, peer('carol'));
        await allTold();
        await site.lose();
        await site.open();
        await allTold();
        expect(watcher.changes).toHaveLength(1);
      });

      test('lists all peers to the next watcher', async () => {
        site.join(one, peer('bob'));
        await site.open();
        const first = watching();
        await first.until(['bob']);
        tracker.unwatch(one);
        const second = watching();
        await second.until(['bob']);
        expect(first.changes).toHaveLength(1);
      });

      test('ignores the end of an unknown watch', async () => {
        site.join(one, peer('bob'));
        await site.open();
        tracker.unwatch(one);
        const watcher = watching();
        tracker.unwatch(other);
        await watcher.until(['bob']);
      });

      test('lists more peers on request, even in later sessions', async () => {
        site.join(one, peer('bob'));
        site.join(one, peer('far'), true);
        await site.open();
        const watcher = watching();
        await watcher.until(['bob']);
        tracker.widen(one);
        await watcher.until(['bob', 'far']);
        expect(watcher.changes.map(({ snapshot }) => snapshot)).toEqual([true, true]);
        await site.lose();
        await site.open();
        await waitFor(() => watcher.changes.length === 3, {
          what: 'the peers in the next session',
          everyMs: 2,
          seen: () => watcher.changes,
        });
        expect(watcher.names).toEqual(['bob', 'far']);
      });

      test('lists no more peers of a swarm that is not watched', async () => {
        site.join(one, peer('bob'));
        site.join(one, peer('far'), true);
        await site.open();
        tracker.widen(one);
        const watcher = watching();
        await watcher.until(['bob']);
        await allTold();
        expect(watcher.names).toEqual(['bob']);
      });
    });

    describe('for the tracker', () => {
      const announce = (
        event: Extract<Heard, { type: 'announce' }>['event'],
        leftBytes = 900,
        failure = NONE,
      ) => ({ type: 'announce', infohash: one, event, leftBytes, ...failure }) as const;

      test("announces the agent's memberships and their changes", async () => {
        await site.open();
        tracker.announce(membershipOf(one), 'started');
        tracker.announce(membershipOf(one, { leftBytes: 500 }), 'numbers');
        tracker.announce(membershipOf(one, { leftBytes: 400 }), 'update');
        tracker.announce(membershipOf(one, { leftBytes: 400 }), 'paused');
        tracker.announce(membershipOf(one, { leftBytes: 400 }), 'failed', FULL);
        tracker.announce(membershipOf(one, { leftBytes: 0, file }), 'completed');
        tracker.withdraw(one);
        expect(await heard(7)).toEqual([
          announce('started'),
          announce('', 500),
          announce('', 400),
          announce('paused', 400),
          announce('failed', 400, FULL),
          announce('completed', 0),
          { type: 'withdraw', infohash: one },
        ]);
      });

      test('announces in a new session what happened before, and then the current state', async () => {
        tracker.announce(membershipOf(one), 'started');
        tracker.announce(membershipOf(one, { leftBytes: 500 }), 'update');
        tracker.announce(membershipOf(one, { leftBytes: 0 }), 'completed');
        tracker.announce(membershipOf(one, { leftBytes: 0, uploadedBytes: 7 }), 'numbers');
        await site.open();
        const all = await heard(3);
        expect(all).toEqual([announce('started'), announce('completed', 0), announce('', 0)]);
        expect(await allHeard()).toEqual(all);
        await site.lose();
        await site.open();
        await heard(1);
        expect(await allHeard()).toEqual([announce('', 0)]);
      });

      test('announces in each session what still holds, without an event', async () => {
        await site.open();
        tracker.announce(membershipOf(one), 'started');
        tracker.announce(membershipOf(other), 'started');
        tracker.withdraw(other);
        await heard(3);
        await site.lose();
        tracker.announce(membershipOf(one, { leftBytes: 300 }), 'update');
        await site.open();
        await heard(1);
        expect(await allHeard()).toEqual([announce('', 300)]);
      });

      test('announces nothing that began and was withdrawn without a session', async () => {
        for (const infohash of [one, other]) {
          tracker.announce(membershipOf(infohash), 'failed', FULL);
          tracker.withdraw(infohash);
        }
        tracker.announce(membershipOf(one), 'started');
        await site.open();
        await heard(2);
        expect(await allHeard()).toEqual([announce('started'), announce('')]);
      });

      test('announces a withdrawal once, and none from a swarm that it is not in', async () => {
        await site.open();
        tracker.announce(membershipOf(one), 'started');
        tracker.withdraw(one);
        tracker.withdraw(one);
        tracker.withdraw(other);
        expect(await allHeard()).toEqual([announce('started'), { type: 'withdraw', infohash: one }]);
      });

      test('offers local shares, as new only once', async () => {
        const membership = membershipOf(one, { origin: true, file, leftBytes: 0, downloadedBytes: 0 });
        await site.open();
        tracker.announce(membership, 'started');
        tracker.announce(membership, 'update');
        tracker.withdraw(one);
        tracker.announce(membership, 'shared');
        const [offer, again] = [true, false].map((isNew) => ({ type: 'offer', infohash: one, isNew }));
        expect(await heard(4)).toEqual([offer, again, { type: 'withdraw', infohash: one }, offer]);
        await site.lose();
        await site.open();
        await heard(1);
        expect(await allHeard()).toEqual([again]);
      });

      test('reports a ban at once, or in the next session: each once', async () => {
        const ban = (name: string) => ({ peerId: peerNamed(name), reason: `${name} lies`, infohash: one });
        tracker.reportBan(ban('bob'));
        tracker.reportBan(ban('carol'));
        await site.open();
        await heard(2);
        tracker.reportBan(ban('dave'));
        const bans = await heard(3);
        expect(bans).toEqual(['bob', 'carol', 'dave'].map((name) => ({ type: 'ban', ...ban(name) })));
        await site.lose();
        await site.open();
        expect(await allHeard()).toEqual([]);
      });
    });

    test('finds files by exact name, or by the first digits of an infohash, with their publisher', async () => {
      const publication = {
        publisher: { id: peerNamed('alice'), name: 'alice' },
        version: 2,
        publishedAtMs: Date.parse('2026-11-30T12:00:00Z'),
      };
      const model = {
        ...file,
        infohash: one,
        publications: [publication],
        superseded: false,
        disputed: false,
      };
      const notes = {
        ...file,
        infohash: other,
        name: 'notes.txt',
        publications: [],
        superseded: true,
        disputed: true,
      };
      const filler = { ...model, infohash: marker, name: '!model.bin.1' };
      for (const each of [model, notes, filler]) site.catalogue(each);
      await site.open();
      expect(await tracker.findFiles('model.bin')).toEqual([model]);
      expect(await tracker.findFiles(other.slice(0, 8))).toEqual([notes]);
      for (const query of ['model', 'MODEL.BIN', other.slice(0, 7), 'nothing'])
        expect(await tracker.findFiles(query)).toEqual([]);
    });

    test('reports that there is no tracker to find files', async () => {
      const error = { code: 'unavailable', reason: 'NO_TRACKER' };
      await expect(tracker.findFiles('model')).rejects.toMatchObject(error);
      await site.open();
      await site.lose();
      await expect(tracker.findFiles('model')).rejects.toMatchObject(error);
    });
  });
}
