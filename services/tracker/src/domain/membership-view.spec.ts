import { describe, expect, test } from '@jest/globals';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import fc from 'fast-check';
import type { Effect } from './effects.js';
import type { PeerInfo } from './peer.js';
import type { Session } from './swarm.js';
import { SwarmRegistry } from './swarm-registry.js';
import { MODEL, sampleHash, samplePeer, sampleReport } from '../../test/samples.js';
import { seededRandom } from '../../test/seeded-random.js';

const PEERS = 14;
const SWARMS = 2;

/** A message or connection of one of a few peers. */
const step = fc.record({
  peer: fc.nat(PEERS - 1),
  swarm: fc.nat(SWARMS - 1),
  action: fc.constantFrom(
    'connect',
    'disconnect',
    'share',
    'announce',
    'complete',
    'withdraw',
    'watch',
    'unwatch',
  ),
  maxPeers: fc.constantFrom(1, 2, 4, 0),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Every fourth peer is reachable only from its own host, one of two. */
function peerOf(number: number, labels: Record<string, string>): PeerInfo {
  const host = `10.0.0.${number % 2}`;
  const peer = samplePeer(number, labels);
  const loopback = { elsewhere: [], ownHost: [`127.0.0.1:${number + 1}`] };
  return { ...peer, reach: { ...peer.reach, host, ...(number % 4 < 2 ? {} : loopback) } };
}

function reaches(asker: PeerInfo, { reach }: PeerInfo): boolean {
  return reach.elsewhere.length > 0 || reach.host === asker.reach.host;
}

/** The tracker with peers that apply every delta. */
class World {
  readonly registry: SwarmRegistry;
  readonly sessions = new Map<number, Session>();
  /** The view of each session for each watched swarm: its peers, and whether they are seeders. */
  readonly views = new Map<Session, Map<InfoHash, Map<PeerId, boolean>>>();

  constructor(seed: number) {
    this.registry = new SwarmRegistry({ random: seededRandom(seed), startedAt: 0 });
  }

  run({ peer, swarm, action, maxPeers }: Step): void {
    const session = this.sessions.get(peer);
    if (action === 'connect') this.#connect(peer);
    else if (session) this.#act(session, { peer, swarm, action, maxPeers });
  }

  #connect(peer: number): void {
    const labels: Record<string, string> = peer % 3 === 0 ? { zone: 'a', node: `n${peer % 2}` } : {};
    const { session, effects } = this.registry.connect(peerOf(peer, labels), 0);
    this.sessions.set(peer, session);
    this.views.set(session, new Map());
    this.#apply(effects);
  }

  #act(session: Session, { peer, swarm, action, maxPeers }: Step): void {
    const infohash = sampleHash(100 + swarm);
    try {
      if (action === 'disconnect') {
        this.sessions.delete(peer);
        this.#apply(this.registry.disconnect(session, ''));
        this.views.delete(session);
      } else if (action === 'share') {
        this.#apply(this.registry.share(session, { infohash, file: MODEL, restated: false }, 0));
      } else if (action === 'announce' || action === 'complete') {
        const news = action === 'complete' ? 'completed' : 'progressed';
        this.#apply(this.registry.announce(session, sampleReport(infohash, { news }), 0));
      } else if (action === 'withdraw') {
        this.#apply(this.registry.withdraw(session, infohash));
      } else if (action === 'watch') {
        this.#apply(this.registry.watch(session, infohash, maxPeers));
      } else {
        this.#apply(this.registry.unwatch(session, infohash));
        this.views.get(session)?.delete(infohash);
      }
    } catch (error) {
      expect(error).toHaveProperty('reason', expect.stringMatching(/NOT_A_MEMBER|NOT_WATCHED/));
    }
  }

  #apply(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type === 'close') this.views.delete(effect.session);
      if (effect.type !== 'delta') continue;
      const views = this.views.get(effect.to);
      if (!views) throw new Error('a delta for an unknown session');
      if (effect.snapshot) views.set(effect.infohash, new Map());
      const view = views.get(effect.infohash);
      if (!view) throw new Error('a delta before the snapshot');
      for (const id of effect.removed) if (!view.delete(id)) throw new Error('a removal of an unknown peer');
      for (const { peer, seeder } of effect.upserted) view.set(peer.id, seeder);
    }
  }

  /** Throws if a view is wrong. */
  check(): void {
    for (const [session, views] of this.views) {
      if (views.size !== session.watches.size) throw new Error('not the watched swarms');
      for (const [infohash, view] of views) {
        const others = this.#othersIn(infohash, session);
        for (const [id, seeder] of view) if (others.get(id) !== seeder) throw new Error('a ghost');
        const maxPeers = session.watches.get(infohash)?.maxPeers ?? 0;
        if (view.size !== Math.min(maxPeers, others.size)) throw new Error('a peer is missing');
      }
    }
    this.#checkCounts();
  }

  /** The other peers that it can reach. */
  #othersIn(infohash: InfoHash, self: Session): Map<PeerId, boolean> {
    const others = new Map<PeerId, boolean>();
    for (const session of this.sessions.values()) {
      const member = session.memberships.get(infohash);
      if (member && session !== self && reaches(self.peer, session.peer))
        others.set(session.peer.id, member.seeder);
    }
    return others;
  }

  #checkCounts(): void {
    const members = [...this.sessions.values()].flatMap(({ memberships }) => [...memberships.values()]);
    const seeders = members.filter(({ seeder }) => seeder).length;
    const stats = this.registry.directory.stats();
    const right = stats.seeders === seeders && stats.leechers === members.length - seeders;
    if (!right || stats.peers !== this.sessions.size) throw new Error('a wrong count');
  }
}

describe('the deltas that a watcher gets', () => {
  test('always yield the true swarm, up to max_peers: no ghosts, not itself, no peer missing', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 120, size: 'max' }), fc.nat(), (steps, seed) => {
        const world = new World(seed);
        for (let peer = 0; peer < PEERS; peer += 2)
          world.run({ peer, swarm: 0, action: 'connect', maxPeers: 0 });
        for (const each of steps) {
          world.run(each);
          world.check();
        }
        for (const session of [...world.sessions.values()]) world.registry.disconnect(session, '');
        expect(world.registry.directory.swarmCount).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test('name peers that the watcher can reach, even if most peers are unreachable', () => {
    const registry = new SwarmRegistry({ random: seededRandom(1), startedAt: 0 });
    const infohash = sampleHash(1);
    const join = (number: number, reach: Partial<PeerInfo['reach']>): Effect[] => {
      const peer = samplePeer(number, {});
      const { session } = registry.connect({ ...peer, reach: { ...peer.reach, ...reach } }, 0);
      const news = number % 2 === 0 ? 'progressed' : 'completed';
      return registry.announce(session, sampleReport(infohash, { news }), 0);
    };
    const hidden = (host: string) => ({ elsewhere: [], ownHost: ['127.0.0.1:1'], host });
    for (let number = 0; number < 2000; number += 1) join(number, hidden(`10.0.1.${number % 200}`));
    for (let number = 2000; number < 2008; number += 1) join(number, {});
    const namesFor = (host: string): Set<string> => {
      const peer = samplePeer(5000, {});
      const { session } = registry.connect({ ...peer, reach: { ...peer.reach, host } }, 0);
      const names = registry
        .watch(session, infohash, 0)
        .flatMap((effect) => (effect.type === 'delta' ? effect.upserted.map((told) => told.peer.name) : []));
      return new Set(names);
    };
    const open = Array.from({ length: 8 }, (_, index) => `peer-${2000 + index}`);
    expect(namesFor('10.0.0.9')).toEqual(new Set(open));
    const onHost = Array.from({ length: 10 }, (_, index) => `peer-${7 + 200 * index}`);
    expect(namesFor('10.0.1.7')).toEqual(new Set([...open, ...onHost]));
  });

  test('introduce a newcomer that few watchers can reach to full lists', () => {
    const registry = new SwarmRegistry({ random: seededRandom(1), startedAt: 0 });
    const infohash = sampleHash(1);
    const join = (number: number, reach: Partial<PeerInfo['reach']>): [Session, readonly Effect[]] => {
      const peer = samplePeer(number, {});
      const { session } = registry.connect({ ...peer, reach: { ...peer.reach, ...reach } }, 0);
      return [session, registry.announce(session, sampleReport(infohash), 0)];
    };
    const watchers = Array.from({ length: 400 }, (_, number) => {
      const [session] = join(number, { host: number % 40 === 0 ? 'few' : 'many' });
      registry.watch(session, infohash, 8);
      return session;
    });
    const [, effects] = join(900, { elsewhere: [], ownHost: ['127.0.0.1:1'], host: 'few' });
    const told = effects.flatMap((effect) => (effect.type === 'delta' ? [effect.to.peer.name] : []));
    const few = watchers.filter((_, number) => number % 40 === 0).map(({ peer }) => peer.name);
    expect(new Set(told)).toEqual(new Set(few));
  });

  test('remove a peer that returns at an unreachable location, and add it when it is reachable', () => {
    const registry = new SwarmRegistry({ random: seededRandom(1), startedAt: 0 });
    const infohash = sampleHash(1);
    const { session: watcher } = registry.connect(samplePeer(1, {}), 0);
    registry.watch(watcher, infohash, 0);
    const comesAgain = (reach: Partial<PeerInfo['reach']>): string[] => {
      const peer = samplePeer(2, {});
      const { session, effects } = registry.connect({ ...peer, reach: { ...peer.reach, ...reach } }, 0);
      const all = [...effects, ...registry.announce(session, sampleReport(infohash), 0)];
      return all.flatMap((effect) =>
        effect.type === 'delta'
          ? [...effect.removed.map(() => 'removed'), ...effect.upserted.map(() => 'told')]
          : [],
      );
    };
    expect(comesAgain({})).toEqual(['told']);
    expect(comesAgain({ elsewhere: [], ownHost: ['127.0.0.1:1'], host: 'other' })).toEqual(['removed']);
    expect(comesAgain({ elsewhere: [], ownHost: ['127.0.0.1:1'], host: 'other' })).toEqual([]);
    expect(comesAgain({})).toEqual(['told']);
  });

  test('introduce late peers to early ones', () => {
    const registry = new SwarmRegistry({ random: seededRandom(1), startedAt: 0 });
    const infohash = sampleHash(1);
    const knownBy = new Map<string, Set<string>>();
    const see = (effects: readonly Effect[]): void => {
      for (const effect of effects) {
        if (effect.type !== 'delta') continue;
        const watcher = effect.to.peer.id;
        for (const { peer } of effect.upserted)
          knownBy.set(peer.id, (knownBy.get(peer.id) ?? new Set()).add(watcher));
        for (const peer of effect.removed) knownBy.get(peer)?.delete(watcher);
      }
    };
    const sessions = Array.from({ length: 300 }, (_, number) => {
      const { session } = registry.connect(samplePeer(number, {}), 0);
      see(registry.announce(session, sampleReport(infohash, { leftBytes: 1000 }), 0));
      see(registry.watch(session, infohash, 0));
      return session;
    });
    const first = new Set(sessions.slice(0, 51).map(({ peer }) => peer.id));
    for (const { peer } of sessions) {
      const watchers = knownBy.get(peer.id) ?? new Set();
      expect(watchers.size).toBeGreaterThan(4);
    }
    // Otherwise the first fifty-one peers would know only each other.
    const known = [...first].map(
      (watcher) =>
        sessions.filter(({ peer }) => !first.has(peer.id) && knownBy.get(peer.id)?.has(watcher)).length,
    );
    expect(Math.min(...known)).toBeGreaterThan(5);
  });

  test('spread the load evenly between early and late peers', () => {
    const registry = new SwarmRegistry({ random: seededRandom(1), startedAt: 0 });
    const infohash = sampleHash(1);
    const sessions = Array.from({ length: 300 }, (_, number) => {
      const { session } = registry.connect(samplePeer(number, {}), 0);
      registry.announce(session, sampleReport(infohash, { leftBytes: 1000 }), 0);
      registry.watch(session, infohash, 0);
      return session;
    });
    const inDegree = sessions.map(({ memberships }) => memberships.get(infohash)?.inDegree ?? 0);
    // The mean is 50. With uniform random selection one of the first peers reaches 122.
    expect(Math.max(...inDegree)).toBeLessThan(70);
    expect(Math.min(...inDegree)).toBeGreaterThan(10);
  });

  test('introduce a peer that crashes and returns at most once a minute to full lists', () => {
    const registry = new SwarmRegistry({ random: seededRandom(1), startedAt: 0 });
    const infohash = sampleHash(1);
    const join = (number: number, now: number): { session: Session; effects: readonly Effect[] } => {
      const { session } = registry.connect(samplePeer(number, {}), now);
      return {
        session,
        effects: registry.announce(session, sampleReport(infohash, { leftBytes: 1000 }), now),
      };
    };
    for (let number = 0; number < 300; number += 1) registry.watch(join(number, 0).session, infohash, 0);
    const told: number[] = [];
    for (let now = 0; now < 180_000; now += 2000) {
      const { session, effects } = join(300, now);
      if (effects.some(({ type }) => type === 'delta')) told.push(now);
      registry.disconnect(session, 'crashed');
    }
    expect(told).toEqual([0, 60_000, 120_000]);
  });

  test('stay few when ten thousand peers join one swarm', () => {
    const registry = new SwarmRegistry({ random: seededRandom(1), startedAt: 0 });
    const infohash = sampleHash(1);
    let deltas = 0;
    let changes = 0;
    const count = (effects: readonly Effect[]): void => {
      for (const effect of effects) {
        if (effect.type !== 'delta') continue;
        deltas += 1;
        changes += effect.upserted.length + effect.removed.length;
      }
    };
    for (let number = 0; number < 10_000; number += 1) {
      const { session } = registry.connect(samplePeer(number, { zone: `z${number % 3}` }), 0);
      const leftBytes = number % 100 === 0 ? 0 : 1000;
      count(registry.announce(session, sampleReport(infohash, { leftBytes }), 0));
      count(registry.watch(session, infohash, 0));
    }
    expect(deltas / 10_000).toBeLessThan(20);
    expect(changes / 10_000).toBeLessThan(90);
  });
});
