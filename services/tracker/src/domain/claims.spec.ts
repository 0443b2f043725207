import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MODEL, sampleHash, samplePeer } from '../../test/samples.js';
import { seededRandom } from '../../test/seeded-random.js';
import type { FileSummary } from './file-summary.js';
import type { Session } from './swarm.js';
import { SwarmRegistry } from './swarm-registry.js';

const FILE = sampleHash(1);
const named = (name: string, size = MODEL.size): FileSummary => ({ ...MODEL, name, size });

describe('what publishers say of one infohash', () => {
  let registry: SwarmRegistry;
  let peers: number;

  beforeEach(() => {
    registry = new SwarmRegistry({ random: seededRandom(1), startedAt: 0 });
    peers = 0;
  });

  const share = (party: string, file: FileSummary, session = connect(party)): Session => {
    registry.share(session, { infohash: FILE, file, restated: false }, 0);
    return session;
  };
  const connect = (party: string): Session => {
    peers += 1;
    return registry.connect(samplePeer(peers), 0, { party }).session;
  };
  const names = (): string[] => registry.directory.claims(FILE).map(({ file }) => file.name);
  const found = (query: string): string[] =>
    registry.directory.files({ query, exact: true, limit: 10 }).items.map(({ file }) => file.name);

  test('is found under each name, in any order of publishers', () => {
    share('stranger', named('bait'));
    share('honest', MODEL);
    expect([found('bait'), found('model.bin')]).toEqual([['bait'], ['model.bin']]);
    expect(registry.directory.stats().files).toBe(1);
    const page = registry.directory.files({ query: FILE.slice(0, 8), exact: true, limit: 10 });
    expect(page.items.map(({ swarm }) => swarm.infohash)).toEqual([FILE, FILE]);
  });

  test('goes with its last publisher, unless nothing else is known', () => {
    const stranger = share('stranger', named('bait'));
    const honest = share('honest', MODEL);
    const other = share('honest', MODEL);
    registry.announce(connect('leecher'), { ...REPORT, infohash: FILE }, 0);
    registry.disconnect(honest, 'left');
    expect(names()).toEqual(['bait', 'model.bin']);
    registry.disconnect(stranger, 'left');
    expect([names(), found('bait')]).toEqual([['model.bin'], []]);
    registry.disconnect(other, 'left');
    expect(names()).toEqual(['model.bin']);
  });

  test('is listed once under one name, with the size of the first', () => {
    const stranger = share('stranger', named('model.bin', 7));
    share('honest', MODEL);
    const sizes = (): number[] =>
      registry.directory
        .files({ query: 'model.bin', exact: true, limit: 10 })
        .items.map(({ file }) => file.size);
    expect([names(), sizes()]).toEqual([['model.bin', 'model.bin'], [7]]);
    registry.disconnect(stranger, 'left');
    expect(sizes()).toEqual([MODEL.size]);
  });

  test('is one thing a peer: what it says later replaces it', () => {
    const stranger = share('stranger', named('one'));
    share('honest', MODEL);
    for (let count = 0; count < 20; count += 1) share('stranger', named(`${count}`), stranger);
    expect(names()).toEqual(['model.bin', '19']);
  });

  test('has room for two of one party, and for the next party when it is full', () => {
    for (let count = 0; count < 20; count += 1) share('stranger', named(`bait ${count}`));
    expect(names()).toEqual(['bait 0', 'bait 1']);
    for (const party of ['b', 'c', 'd']) for (const copy of [1, 2]) share(party, named(`${party} ${copy}`));
    share('honest', MODEL);
    expect(names()).toHaveLength(8);
    expect(names()).toContain('model.bin');
  });

  test('is heard although as many parties as there is room for came first, and what two say stays', () => {
    for (let party = 0; party < 8; party += 1) share(`bot ${party}`, named(`bait ${party}`));
    const honest = share('honest', MODEL);
    expect(names()).toHaveLength(8);
    expect(names()).toContain('model.bin');
    share('other', MODEL);
    for (let party = 8; party < 40; party += 1) share(`bot ${party}`, named(`bait ${party}`));
    expect(names()).toContain('model.bin');
    expect(honest.memberships.get(FILE)?.claim?.supporters).toBe(2);
  });

  test('is judged once, although each announce repeats it', () => {
    for (let party = 0; party < 8; party += 1)
      for (const member of [1, 2])
        share(`bot ${party}`, named(`bait ${party}`), connect(`bot ${party} ${member}`));
    const late = connect('late');
    const report = { ...REPORT, infohash: FILE, file: MODEL };
    expect(registry.announce(late, report, 0)).toContainEqual(expect.objectContaining({ type: 'problem' }));
    expect(registry.announce(late, report, 0)).toEqual([]);
  });

  test('is counted right, whatever peers say', () => {
    const step = fc.record({
      peer: fc.nat(5),
      party: fc.constantFrom('a', 'b', 'c'),
      name: fc.option(fc.constantFrom('x', 'y', 'z', 'w'), { nil: undefined }),
      size: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        registry = new SwarmRegistry({ random: seededRandom(1), startedAt: 0 });
        for (const { peer, party, name, size } of steps) {
          const session =
            registry.directory.session(samplePeer(peer).id) ??
            registry.connect(samplePeer(peer), 0, { party }).session;
          if (name === undefined) registry.disconnect(session, 'left');
          else share(party, named(name, size), session);
        }
        const claims = registry.directory.claims(FILE);
        const members = [...registry.directory.sessions()].flatMap(({ memberships }) => [
          ...memberships.values(),
        ]);
        for (const claim of claims)
          expect(members.filter((member) => member.claim === claim)).toHaveLength(claim.supporters);
        if (members.length > 0) expect(claims.length).toBeGreaterThan(0);
        const listed = registry.directory.files({ query: '', limit: 100 }).items.map(({ file }) => file.name);
        expect(listed).toEqual([...new Set(claims.map(({ file }) => file.name))].sort());
        expect(registry.directory.stats().files).toBe(claims.length > 0 ? 1 : 0);
      }),
    );
  });
});

const REPORT = {
  news: 'started',
  leftBytes: 5,
  downloadedBytes: 0,
  uploadedBytes: 0,
  file: undefined,
  reason: '',
  message: '',
} as const;
