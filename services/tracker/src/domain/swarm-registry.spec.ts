import { beforeEach, describe, expect, test } from '@jest/globals';
import type { DownloadNews } from './download-progress.js';
import type { Effect } from './effects.js';
import { DEFAULT_CAPACITY } from './capacity.js';
import { SwarmRegistry, type Report } from './swarm-registry.js';
import type { Session, Watch } from './swarm.js';
import { MODEL, sampleHash, samplePeer, sampleReport } from '../../test/samples.js';
import { seededRandom } from '../../test/seeded-random.js';

const FILE = sampleHash(1);

const eventsOf = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) => (effect.type === 'event' ? [effect.event.type] : []));
const problemsOf = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) => (effect.type === 'problem' ? [effect.error.reason] : []));

describe('a SwarmRegistry', () => {
  let registry: SwarmRegistry;
  let now: number;

  beforeEach(() => {
    registry = new SwarmRegistry({ random: seededRandom(1), startedAt: 0 });
    now = 1000;
  });

  const connect = (number: number): Session => registry.connect(samplePeer(number), now).session;
  const watchOf = (watcher: Session): Watch => watcher.watches.get(FILE)!;
  const share = (session: Session, restated = false, file = MODEL): Effect[] =>
    registry.share(session, { infohash: FILE, file, restated }, now);
  const announce = (session: Session, news: DownloadNews, report: Partial<Report> = {}): Effect[] =>
    registry.announce(session, sampleReport(FILE, { news, ...report }), now);

  test('records the first sharer and the time in the catalogue', () => {
    share(connect(1));
    now = 2000;
    share(connect(2));
    const [file] = registry.directory.claims(FILE);
    expect(file).toMatchObject({ file: MODEL, firstShare: { at: 1000, by: 'peer-1' } });
    expect(file?.swarm.seeders.size).toBe(2);
  });

  test('keeps a file in the catalogue while a member is connected, and no longer', () => {
    const [alice, bob] = [connect(1), connect(2)];
    share(alice);
    announce(bob, 'started', { file: MODEL });
    registry.disconnect(alice, 'gone');
    expect(registry.directory.claims(FILE)).toHaveLength(1);
    registry.disconnect(bob, 'gone');
    expect(registry.directory.claims(FILE)).toEqual([]);
    expect(registry.directory.stats()).toMatchObject({ peers: 0, files: 0, seeders: 0, leechers: 0 });
    expect(registry.directory.swarmCount).toBe(0);
  });

  test('does not list a swarm without a description', () => {
    announce(connect(1), 'started');
    expect(registry.directory.claims(FILE)).toEqual([]);
    expect(registry.directory.stats()).toMatchObject({ files: 0, leechers: 1 });
  });

  test('publishes a share once, and a restated one not at all', () => {
    const [alice, bob] = [connect(1), connect(2)];
    expect(eventsOf(share(alice))).toEqual(['file.shared']);
    expect(eventsOf(share(alice))).toEqual([]);
    expect(eventsOf(share(bob, true))).toEqual([]);
    expect(eventsOf(share(bob))).toEqual([]);
  });

  test('lists what two peers say of a file, the first one first, and reports that to the second', () => {
    share(connect(1));
    const effects = share(connect(2), false, { ...MODEL, name: 'virus.exe' });
    expect(problemsOf(effects)).toEqual(['FILE_MISMATCH']);
    const said = registry.directory.claims(FILE).map(({ file, firstShare }) => [file.name, firstShare?.by]);
    expect(said).toEqual([
      ['model.bin', 'peer-1'],
      ['virus.exe', 'peer-2'],
    ]);
    expect(registry.directory.stats().seeders).toBe(2);
  });

  test('publishes a withdrawal by a seeder, not by a leecher', () => {
    const [alice, bob] = [connect(1), connect(2)];
    share(alice);
    announce(bob, 'started');
    expect(eventsOf(registry.withdraw(bob, FILE))).toEqual([]);
    expect(eventsOf(registry.withdraw(alice, FILE))).toEqual(['file.withdrawn']);
    expect(() => registry.withdraw(alice, FILE)).toThrow(expect.objectContaining({ reason: 'NOT_A_MEMBER' }));
  });

  test('counts a peer with all selected files as a leecher, and publishes that it is complete', () => {
    const bob = connect(1);
    expect(eventsOf(announce(bob, 'started'))).toEqual(['download.started']);
    const [effect] = announce(bob, 'part-completed', { leftBytes: 400 });
    expect(effect).toMatchObject({ event: { type: 'download.completed', leftBytes: 400 } });
    expect(eventsOf(announce(bob, 'part-completed', { leftBytes: 400 }))).toEqual([]);
    expect(registry.directory.stats()).toMatchObject({ seeders: 0, leechers: 1, downloadsCompleted: 1 });
    expect(eventsOf(announce(bob, 'started', { leftBytes: 400 }))).toEqual(['download.started']);
    expect(eventsOf(announce(bob, 'completed'))).toEqual(['download.completed']);
    expect(registry.directory.stats()).toMatchObject({ seeders: 1, leechers: 0 });
  });

  test('publishes each change of a download once', () => {
    const bob = connect(1);
    expect(eventsOf(announce(bob, 'started'))).toEqual(['download.started']);
    expect(eventsOf(announce(bob, 'started'))).toEqual([]);
    expect(eventsOf(announce(bob, 'paused'))).toEqual([]);
    expect(eventsOf(announce(bob, 'started'))).toEqual(['download.started']);
    expect(eventsOf(announce(bob, 'failed', { message: 'disk full' }))).toEqual(['download.failed']);
    expect(eventsOf(announce(bob, 'failed', { message: 'disk full' }))).toEqual([]);
    expect(eventsOf(announce(bob, 'completed'))).toEqual(['download.completed']);
    expect(eventsOf(announce(bob, 'completed'))).toEqual([]);
    expect(registry.directory.stats()).toMatchObject({ seeders: 1, leechers: 0, downloadsCompleted: 1 });
  });

  test('publishes progress at most once a second, and only if there is any', () => {
    const bob = connect(1);
    announce(bob, 'started', { leftBytes: 1000 });
    now += 999;
    expect(eventsOf(announce(bob, 'progressed', { leftBytes: 900 }))).toEqual([]);
    now += 1;
    expect(eventsOf(announce(bob, 'progressed', { leftBytes: 800 }))).toEqual(['download.progressed']);
    now += 5000;
    expect(eventsOf(announce(bob, 'progressed', { leftBytes: 800 }))).toEqual([]);
    now -= 60_000;
    expect(eventsOf(announce(bob, 'progressed', { leftBytes: 700 }))).toEqual(['download.progressed']);
  });

  test('makes a peer without missing bytes a seeder, and a leecher again when bytes are missing', () => {
    const bob = connect(1);
    announce(bob, 'progressed', { leftBytes: 0 });
    expect(bob).toMatchObject({ seeding: 1, leeching: 0 });
    announce(bob, 'progressed', { leftBytes: 5 });
    expect(bob).toMatchObject({ seeding: 0, leeching: 1 });
  });

  test('closes the older session of a peer, after its disconnection', () => {
    const first = connect(1);
    share(first);
    const { session, effects } = registry.connect(samplePeer(1), now);
    expect(effects.map((effect) => (effect.type === 'event' ? effect.event.type : effect.type))).toEqual([
      'peer.disconnected',
      'close',
      'peer.connected',
    ]);
    expect(registry.directory.session(session.peer.id)).toBe(session);
    expect(registry.disconnect(first, 'late')).toEqual([]);
    expect(registry.directory.stats()).toMatchObject({ peers: 1, seeders: 0 });
  });

  test('reports a watch on a swarm without members as not found, and keeps it', () => {
    const [alice, bob] = [connect(1), connect(2)];
    const effects = registry.watch(bob, FILE, 0);
    expect(problemsOf(effects)).toEqual(['SWARM_NOT_FOUND']);
    expect(effects.at(-1)).toMatchObject({ type: 'delta', snapshot: true, upserted: [] });
    expect(share(alice)[0]).toMatchObject({
      type: 'delta',
      to: bob,
      upserted: [{ peer: { name: 'peer-1' } }],
    });
  });

  test('sends no more deltas for an unwatched swarm', () => {
    const [alice, bob] = [connect(1), connect(2)];
    registry.watch(bob, FILE, 0);
    registry.unwatch(bob, FILE);
    expect(share(alice).map(({ type }) => type)).toEqual(['event']);
    expect(() => registry.unwatch(bob, FILE)).toThrow(expect.objectContaining({ reason: 'NOT_WATCHED' }));
  });

  test('a new seeder takes the place of a leecher if a full watch knows no seeder', () => {
    const watcher = connect(1);
    for (let number = 2; number < 12; number += 1) announce(connect(number), 'started');
    registry.watch(watcher, FILE, 4);
    const effects = share(connect(20));
    expect(effects[0]).toMatchObject({ to: watcher, upserted: [{ seeder: true }] });
    expect(effects[0]).toHaveProperty('removed.length', 1);
  });

  test('a new seeder replaces no member if leechers that a full watch knows have become seeders', () => {
    const watcher = connect(1);
    const others = Array.from({ length: 10 }, (_, index) => connect(index + 2));
    for (const other of others) announce(other, 'started');
    registry.watch(watcher, FILE, 4);
    const known = [...watchOf(watcher).known].slice(0, 2);
    for (const member of known) announce(member.session, 'completed');
    expect(share(connect(20)).map(({ type }) => type)).toEqual(['event']);
  });

  test('refuses requests beyond a limit, and changes nothing', () => {
    const capacity = {
      ...DEFAULT_CAPACITY,
      sessions: 1,
      membershipsPerSession: 1,
      watchesPerSession: 1,
      swarms: 2,
    };
    registry = new SwarmRegistry({ random: seededRandom(1), startedAt: 0, capacity });
    const alice = connect(1);
    expect(() => connect(2)).toThrow(expect.objectContaining({ reason: 'TOO_MANY_PEERS' }));
    expect(connect(1).open).toBe(true);
    const session = connect(1);
    expect(alice.open).toBe(false);
    share(session);
    const other = { infohash: sampleHash(2), file: MODEL, restated: false };
    expect(() => registry.share(session, other, now)).toThrow(
      expect.objectContaining({ reason: 'TOO_MANY_SWARMS' }),
    );
    registry.watch(session, sampleHash(3), 0);
    expect(() => registry.watch(session, FILE, 0)).toThrow(
      expect.objectContaining({ reason: 'TOO_MANY_WATCHES' }),
    );
    expect(registry.directory.swarmCount).toBe(2);
  });

  test.each([
    ['BAD_NAME', { ...MODEL, name: '' }],
    ['BAD_NAME', { ...MODEL, name: 'é'.repeat(128) }],
    ['INVALID_SIZE', { ...MODEL, size: 0 }],
    ['INVALID_SIZE', { ...MODEL, size: 2 ** 53 }],
    ['INVALID_PIECE_LENGTH', { ...MODEL, pieceLength: 8192 }],
    ['INVALID_PIECE_LENGTH', { ...MODEL, pieceLength: 49_152 }],
    ['INVALID_FILE_COUNT', { ...MODEL, fileCount: 1_000_001 }],
  ])('refuses a file with %s', (reason, file) => {
    const alice = connect(1);
    expect(() => share(alice, false, file)).toThrow(expect.objectContaining({ reason }));
    expect(() => announce(alice, 'started', { file })).toThrow(expect.objectContaining({ reason }));
    expect(alice.memberships.size).toBe(0);
  });
});
