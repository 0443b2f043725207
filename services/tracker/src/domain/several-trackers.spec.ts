import { describe, expect, test } from '@jest/globals';
import type { InfoHash } from '@enjambre/core/ids';
import fc from 'fast-check';
import { batchesOf } from './batches.js';
import { DEFAULT_CAPACITY } from './capacity.js';
import { ChangeJournal } from './change-journal.js';
import { RemoteSessions } from './remote-sessions.js';
import { ReplicaBook, REPLICA_LOST_MS } from './replica-book.js';
import { toSessionState, type ReplicaId, type ReplicaMessage, type Snapshot } from './replica-state.js';
import type { Session } from './swarm.js';
import { SwarmRegistry } from './swarm-registry.js';
import { MODEL, sampleHash, samplePeer, sampleReport } from '../../test/samples.js';

const TRACKERS = 3;
const PEERS = 6;
const SWARMS = 3;
/** Small, so that a session is split over several messages. */
const MAX_MESSAGE_BYTES = 700;

/** A tracker of a network whose messages the test delivers. */
class Tracker {
  readonly journal = new ChangeJournal(() => undefined);
  readonly registry: SwarmRegistry;
  readonly remote: RemoteSessions;
  readonly book: ReplicaBook;
  sequence = 0;

  constructor(readonly id: ReplicaId) {
    this.registry = new SwarmRegistry({ random: () => 0, startedAt: 0, changes: this.journal });
    this.remote = new RemoteSessions(this.registry, id);
    this.book = new ReplicaBook(this.remote);
  }

  /** Its messages at this moment. */
  changes(numbers: boolean): ReplicaMessage[] {
    return [...batchesOf(this.journal.take({ numbers }), MAX_MESSAGE_BYTES)].map((changes) => {
      this.sequence += 1;
      return { type: 'changes', replica: this.id, sequence: this.sequence, changes };
    });
  }

  heartbeat(): ReplicaMessage {
    const own = this.#own();
    const members = own.reduce((sum, { memberships }) => sum + memberships.size, 0);
    const holdings = { sessions: own.length, members };
    return { type: 'heartbeat', replica: this.id, sequence: this.sequence, name: this.id, holdings };
  }

  snapshot(): Snapshot {
    const sessions = this.#own().map((session) => toSessionState(session, session.memberships.keys()));
    return {
      sequence: this.sequence,
      sessions: [...batchesOf({ ended: [], sessions }, 400)].flatMap((part) => part.sessions),
    };
  }

  /** Everything that it knows, held by any tracker. */
  view(): unknown[] {
    const sessions = [...this.registry.directory.sessions()];
    return sessions
      .map(({ peer, epoch, memberships }) => ({
        peer: peer.name,
        epoch,
        members: [...memberships]
          .map(([hash, { seeder, leftBytes }]) => `${hash} ${seeder} ${leftBytes}`)
          .sort(),
      }))
      .sort((one, other) => (one.peer < other.peer ? -1 : 1));
  }

  #own(): Session[] {
    return [...this.registry.directory.sessions()].filter(({ isLocal }) => isLocal);
  }
}

const step = fc.record({
  peer: fc.nat(PEERS - 1),
  tracker: fc.nat(TRACKERS - 1),
  swarm: fc.nat(SWARMS - 1),
  action: fc.constantFrom(
    'move',
    'move',
    'leave',
    'share',
    'announce',
    'withdraw',
    'flush',
    'flush',
    'beat',
    'silence',
  ),
  /** The lost ones among the current messages, one bit each. */
  lost: fc.nat(255),
  leftBytes: fc.nat(1000),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Trackers, agents that move between them, and an unreliable transport. */
class World {
  readonly trackers = ['a', 'b', 'c'].map((digit) => new Tracker(digit.repeat(32)));
  now = 1000;
  #epoch = 0;
  #sent = 0;
  readonly #sessions = new Map<number, { readonly tracker: Tracker; readonly session: Session }>();

  run({ peer, tracker, swarm, action, lost, leftBytes }: Step): void {
    this.now += 10;
    const at = this.trackers[tracker]!;
    if (action === 'move') return this.#move(peer, at);
    if (action === 'flush') return this.#send(at, at.changes(false), lost);
    if (action === 'beat') return this.beat(lost);
    if (action === 'silence') return this.#silence();
    const there = this.#sessions.get(peer);
    if (there) this.#act(there, { action, infohash: sampleHash(100 + swarm), leftBytes });
  }

  /** Each tracker sends its messages, and requests snapshots if it has missed some. */
  beat(lost = 0): void {
    this.now += 1000;
    for (const tracker of this.trackers)
      this.#send(tracker, [...tracker.changes(true), tracker.heartbeat()], lost);
    for (const tracker of this.trackers) {
      for (const id of tracker.book.ask(this.now)) {
        const other = this.trackers.find((one) => one.id === id)!;
        this.#sent += 1;
        if ((lost >> (this.#sent % 8)) & 1) tracker.book.failed(id);
        else {
          this.#send(other, other.changes(true), lost);
          tracker.book.synced(id, other.snapshot());
        }
      }
    }
  }

  /** No tracker receives messages until all count as lost. */
  #silence(): void {
    this.now += REPLICA_LOST_MS;
    for (const { book } of this.trackers) book.expire(this.now);
  }

  #move(peer: number, tracker: Tracker): void {
    const before = this.#sessions.get(peer);
    this.#epoch += 1;
    const { session } = tracker.registry.connect(samplePeer(peer), this.now, { epoch: this.#epoch });
    this.#sessions.set(peer, { tracker, session });
    // The previous tracker notices at once, or only when it receives the newer session.
    if (before && peer % 2 === 0) before.tracker.registry.disconnect(before.session, 'moved');
  }

  #act(
    { tracker, session }: { readonly tracker: Tracker; readonly session: Session },
    {
      action,
      infohash,
      leftBytes,
    }: { readonly action: string; readonly infohash: InfoHash; readonly leftBytes: number },
  ): void {
    const { registry } = tracker;
    if (!session.open) return;
    if (action === 'leave') registry.disconnect(session, 'left');
    else if (action === 'share') registry.share(session, { infohash, file: MODEL, restated: false }, 0);
    else if (action === 'announce') registry.announce(session, sampleReport(infohash, { leftBytes }), 0);
    else registry.drop(session, infohash);
  }

  #send(from: Tracker, messages: readonly ReplicaMessage[], lost: number): void {
    for (const message of messages) {
      for (const to of this.trackers) {
        this.#sent += 1;
        if (to !== from && !((lost >> (this.#sent % 8)) & 1)) to.book.hear(message, this.now);
      }
    }
  }
}

describe('trackers of one network', () => {
  test('finally agree on all sessions, despite moves and lost messages', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 120 }), (steps) => {
        const world = new World();
        for (const one of steps) world.run(one);
        // Repeated requests back off up to half a minute; then a tracker requests again.
        for (let beat = 0; beat < 70; beat++) world.beat();
        const [first, ...others] = world.trackers.map((tracker) => tracker.view());
        for (const other of others) expect(other).toEqual(first);
        for (const { remote } of world.trackers) expect(remote.refused).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test('hold a peer once, in its newest session', () => {
    const world = new World();
    world.beat();
    const [one, two, three] = world.trackers;
    const peer = samplePeer(1);
    const { session: old } = one!.registry.connect(peer, 0, { epoch: 5 });
    world.beat();
    two!.registry.connect(peer, 0, { epoch: 9 });
    world.beat();
    expect(old.open).toBe(false);
    for (const { registry } of [one!, two!, three!]) {
      expect(registry.directory.session(peer.id)).toMatchObject({ epoch: 9, open: true });
      expect(registry.directory.sessionCount).toBe(1);
    }
  });

  test('raise the epoch of a new session above all known ones, whatever the clocks', () => {
    const world = new World();
    world.beat();
    const [one, two] = world.trackers;
    one!.registry.connect(samplePeer(1), 0, { epoch: 1000 });
    world.beat();
    const { session } = two!.registry.connect(samplePeer(1), 0, { epoch: 10 });
    expect(session.epoch).toBe(1001);
    world.beat();
    expect(one!.registry.directory.session(session.peer.id)).toMatchObject({ epoch: 1001, replica: two!.id });
  });

  test('publish events only of their own sessions, and of their end when replaced elsewhere', () => {
    const world = new World();
    world.beat();
    const [one, two] = world.trackers;
    const { session } = one!.registry.connect(samplePeer(1), 0, { epoch: 1 });
    one!.registry.share(session, { infohash: sampleHash(1), file: MODEL, restated: false }, 0);
    const state = toSessionState(session, session.memberships.keys());
    const told = two!.remote.apply(one!.id, { ended: [], sessions: [state] });
    expect(told.filter(({ type }) => type === 'event')).toEqual([]);
    const newer = { ...state, epoch: 2 };
    const effects = one!.remote.apply(two!.id, { ended: [], sessions: [newer] });
    expect(effects.map((effect) => (effect.type === 'event' ? effect.event.type : effect.type))).toEqual([
      'peer.disconnected',
      'close',
    ]);
  });

  test('drop a tracker that is silent for five seconds, but not during a loss of connection', () => {
    const world = new World();
    world.beat();
    const { book } = world.trackers[0]!;
    expect(book.size).toBe(2);
    expect(book.expire(world.now + REPLICA_LOST_MS - 1).lost).toEqual([]);
    book.excuse(world.now + REPLICA_LOST_MS);
    expect(book.expire(world.now + REPLICA_LOST_MS).lost).toEqual([]);
    expect(book.expire(world.now + 2 * REPLICA_LOST_MS).lost).toHaveLength(2);
    expect(book.size).toBe(0);
  });

  test('know at most 64 others, however many are forged', () => {
    const { book } = new World().trackers[0]!;
    for (let number = 0; number < 100; number++) {
      const replica = number.toString(16).padStart(32, '0');
      book.hear(
        { type: 'heartbeat', replica, sequence: 0, name: 'x', holdings: { sessions: 0, members: 0 } },
        0,
      );
    }
    expect(book.size).toBe(64);
    expect(book.ask(0)).toHaveLength(64);
  });

  test('back off from a tracker whose answers are invalid', () => {
    const { book } = new World().trackers[0]!;
    const replica = 'f'.repeat(32);
    const asked: number[] = [];
    for (let now = 0; now <= 100_000; now += 50) {
      book.hear(
        { type: 'heartbeat', replica, sequence: 9, name: 'x', holdings: { sessions: 1, members: 1 } },
        now,
      );
      for (const id of book.ask(now)) {
        asked.push(now);
        book.synced(id, { sequence: 3, sessions: [] });
      }
    }
    const gaps = asked.slice(1).map((at, index) => at - asked[index]!);
    expect(gaps.slice(0, 5)).toEqual([250, 500, 1000, 2000, 4000]);
    expect(Math.max(...gaps)).toBe(30_000);
  });

  test('accept sessions of others up to the limit, and count the refused ones', () => {
    const capacity = { ...DEFAULT_CAPACITY, sessions: 2, swarms: 10, membershipsPerSession: 1 };
    const registry = new SwarmRegistry({ random: () => 0, startedAt: 0, capacity });
    const remote = new RemoteSessions(registry, 'a'.repeat(32));
    const other = new World().trackers[1]!;
    const sessions = [1, 2, 3].map((number) => {
      const { session } = other.registry.connect(samplePeer(number), 0);
      for (const swarm of [1, 2]) other.registry.announce(session, sampleReport(sampleHash(swarm)), 0);
      return toSessionState(session, session.memberships.keys());
    });
    remote.apply(other.id, { ended: [], sessions });
    expect(remote.holdings(other.id)).toEqual({ sessions: 2, members: 2 });
    expect(remote.refused).toBe(3);
  });
});
