import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MODEL, sampleHash, samplePeer, sampleReport } from '../../test/samples.js';
import { seededRandom } from '../../test/seeded-random.js';
import { Budgets } from './budgets.js';
import { DEFAULT_CAPACITY, quotasOf, type Capacity } from './capacity.js';
import type { Session } from './swarm.js';
import { SwarmRegistry } from './swarm-registry.js';

const STRANGER = '198.51.100.7';
const HONEST = '192.0.2.1';

/** A registry in which one party may use half of everything. */
class Network {
  readonly registry: SwarmRegistry;
  #peers = 0;

  constructor(capacity: Partial<Capacity>) {
    this.registry = new SwarmRegistry({
      random: seededRandom(1),
      startedAt: 0,
      capacity: { ...DEFAULT_CAPACITY, ...capacity },
      addressBudget: 50,
    });
  }

  connect(party: string): Session {
    this.#peers += 1;
    return this.registry.connect(samplePeer(this.#peers), 0, { party }).session;
  }

  share(session: Session, number: number): void {
    this.registry.share(session, { infohash: sampleHash(number), file: MODEL, restated: false }, 0);
  }
}

const refused = (reason: string): unknown => expect.objectContaining({ code: 'exhausted', reason });

describe('the peers of one address together', () => {
  test('take no more than their part of the sessions, and leave the rest to others', () => {
    const network = new Network({ sessions: 4 });
    network.connect(STRANGER);
    const second = network.connect(STRANGER);
    expect(() => network.connect(STRANGER)).toThrow(refused('TOO_MANY_PEERS'));
    network.connect(HONEST);
    network.registry.disconnect(second, 'left');
    network.connect(STRANGER);
  });

  test('a peer that returns takes the place of its own session, also from a full address, and of a full tracker', () => {
    const network = new Network({ sessions: 2 });
    const peer = samplePeer(9);
    const first = network.registry.connect(peer, 0, { party: STRANGER }).session;
    const second = network.registry.connect(peer, 1, { party: STRANGER }).session;
    expect([first.open, second.open]).toEqual([false, true]);
    network.connect(HONEST);
    expect(() => network.registry.connect(peer, 2, { party: HONEST })).toThrow(refused('TOO_MANY_PEERS'));
    expect(second.open).toBe(true);
    expect(network.registry.connect(peer, 3, { party: '203.0.113.1' }).session.open).toBe(true);
  });

  test('create no more than their part of the swarms, by sharing or watching, but join those of others', () => {
    const network = new Network({ swarms: 4 });
    const honest = network.connect(HONEST);
    network.share(honest, 1);
    const [one, two] = [network.connect(STRANGER), network.connect(STRANGER)];
    network.share(one, 2);
    network.registry.watch(two, sampleHash(3), 0);
    expect(() => network.share(two, 4)).toThrow(refused('TOO_MANY_SWARMS'));
    expect(() => network.registry.watch(one, sampleHash(4), 0)).toThrow(refused('TOO_MANY_SWARMS'));
    expect(() => network.registry.announce(one, sampleReport(sampleHash(4)), 0)).toThrow(
      refused('TOO_MANY_SWARMS'),
    );
    network.share(two, 1);
    network.share(honest, 4);
  });

  test('are not charged for swarms that others keep after they have left', () => {
    const network = new Network({ swarms: 4 });
    const [honest, stranger] = [network.connect(HONEST), network.connect(STRANGER)];
    for (const number of [1, 2]) network.share(honest, number);
    network.share(stranger, 1);
    network.registry.watch(stranger, sampleHash(2), 0);
    for (const number of [1, 2]) network.registry.withdraw(honest, sampleHash(number));
    expect(() => network.share(stranger, 3)).toThrow(refused('TOO_MANY_SWARMS'));
    for (const number of [3, 4]) network.share(honest, number);
  });

  test('take no more than their part of the memberships', () => {
    const network = new Network({ memberships: 4 });
    const stranger = network.connect(STRANGER);
    for (const number of [1, 2]) network.share(stranger, number);
    expect(() => network.share(stranger, 3)).toThrow(refused('TOO_MANY_SWARMS'));
    network.registry.withdraw(stranger, sampleHash(1));
    network.share(stranger, 3);
  });

  test('watch no more than their part of the peers, and keep a watch that they may not widen', () => {
    const network = new Network({ places: 200 });
    const stranger = network.connect(STRANGER);
    network.registry.watch(stranger, sampleHash(1), 60);
    expect(() => network.registry.watch(stranger, sampleHash(2), 0)).toThrow(refused('TOO_MANY_WATCHES'));
    expect(() => network.registry.watch(stranger, sampleHash(1), 101)).toThrow(refused('TOO_MANY_WATCHES'));
    network.registry.watch(stranger, sampleHash(1), 100);
    expect(stranger.watches.get(sampleHash(1))?.maxPeers).toBe(100);
    network.registry.unwatch(stranger, sampleHash(1));
    network.registry.watch(stranger, sampleHash(2), 0);
  });
});

test('sessions of other trackers count for their party, but are refused by the limits in all only', () => {
  const network = new Network({ sessions: 4 });
  const remote = { replica: 'other', party: STRANGER };
  for (const number of [101, 102, 103]) network.registry.connect(samplePeer(number), 0, remote);
  expect(() => network.connect(STRANGER)).toThrow(refused('TOO_MANY_PEERS'));
  network.connect(HONEST);
  expect(() => network.registry.connect(samplePeer(104), 0, remote)).toThrow(refused('TOO_MANY_PEERS'));
});

test('the default quota of a party is 5 % of each limit', () => {
  expect(quotasOf(DEFAULT_CAPACITY, 5)).toEqual({
    sessions: 2500,
    swarms: 50_000,
    memberships: 250_000,
    places: 500_000,
  });
});

test('whatever peers do, no party exceeds its quota by admission, and the counts equal the state', () => {
  const parties = ['a', 'b', ''];
  const capacity = { ...DEFAULT_CAPACITY, sessions: 8, swarms: 8, memberships: 12, places: 40 };
  const action = fc.record({
    kind: fc.constantFrom('connect', 'disconnect', 'share', 'announce', 'withdraw', 'watch', 'unwatch'),
    peer: fc.nat(9),
    party: fc.constantFrom(...parties),
    swarm: fc.nat(11),
    maxPeers: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      const registry = new SwarmRegistry({
        random: seededRandom(1),
        startedAt: 0,
        capacity,
        addressBudget: 50,
      });
      const run = ({ kind, peer, party, swarm, maxPeers }: (typeof actions)[number]): void => {
        const infohash = sampleHash(swarm);
        const { id } = samplePeer(peer);
        const session = registry.directory.session(id);
        if (kind === 'connect') registry.connect(samplePeer(peer), 0, { party });
        else if (!session) return;
        else if (kind === 'disconnect') registry.disconnect(session, 'left');
        else if (kind === 'share') registry.share(session, { infohash, file: MODEL, restated: false }, 0);
        else if (kind === 'announce') registry.announce(session, sampleReport(infohash), 0);
        else if (kind === 'withdraw') registry.withdraw(session, infohash);
        else if (kind === 'watch') registry.watch(session, infohash, maxPeers);
        else registry.unwatch(session, infohash);
      };
      for (const step of actions) {
        try {
          run(step);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/exhausted|not-found/) });
        }
      }
      const counted = new Budgets(capacity, 50);
      const sponsors = new Set<string>();
      for (const session of registry.directory.sessions()) {
        counted.count(session, 'sessions', 1);
        counted.count(session, 'memberships', session.memberships.size);
        for (const { maxPeers } of session.watches.values()) counted.count(session, 'places', maxPeers);
        for (const { swarm } of [...session.memberships.values(), ...session.watches.values()]) {
          if (sponsors.has(swarm.infohash)) continue;
          sponsors.add(swarm.infohash);
          const { sponsor } = swarm;
          expect(
            sponsor.open && (sponsor.memberships.has(swarm.infohash) || sponsor.watches.has(swarm.infohash)),
          ).toBe(true);
          counted.count(sponsor, 'swarms', 1);
        }
      }
      expect(sponsors.size).toBe(registry.directory.swarmCount);
      for (const party of parties) expect(registry.usedBy(party)).toEqual(counted.usedBy(party));
      for (const party of ['a', 'b']) {
        const { sessions, memberships, places } = registry.usedBy(party);
        expect(sessions <= 4 && memberships <= 6 && places <= 20).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});
