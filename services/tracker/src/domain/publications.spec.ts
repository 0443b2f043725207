import { beforeEach, describe, expect, test } from '@jest/globals';
import { MODEL, sampleHash, samplePeer, sampleReport } from '../../test/samples.js';
import { DEFAULT_CAPACITY } from './capacity.js';
import type { Effect } from './effects.js';
import type { Publication, SignedVersion } from './publications.js';
import type { Session } from './swarm.js';
import { SwarmRegistry } from './swarm-registry.js';

const { name: NAME } = MODEL;
const PUBLISHER = 1;
const STRANGER = 2;

let registry: SwarmRegistry;
let kept: Publication[];
let forgotten: Publication[];
let now: number;

beforeEach(() => start());

/** A tracker that has just started. */
function start(publications = 100, percent = 100): void {
  kept = [];
  forgotten = [];
  now = 0;
  registry = new SwarmRegistry({
    random: () => 0,
    startedAt: 0,
    capacity: { ...DEFAULT_CAPACITY, publications },
    addressBudget: percent,
    publicationKeeper: {
      keep: (publication) => kept.push(publication),
      forget: (publication) => forgotten.push(publication),
    },
  });
}

function connect(peer: number, name = `peer-${peer}`, party = `10.0.0.${peer}`): Session {
  return registry.connect({ ...samplePeer(peer), name }, now, { party }).session;
}

interface Sharing {
  readonly restated?: boolean;
  readonly name?: string;
  readonly publications?: readonly SignedVersion[];
}

function share(
  session: Session,
  content: number,
  { name = NAME, restated = false, ...also }: Sharing = {},
): Effect[] {
  now += 10;
  return registry.share(
    session,
    { infohash: sampleHash(content), file: { ...MODEL, name }, restated, ...also },
    now,
  );
}

/** What a peer has signed. */
function signed(
  peer: number,
  content: number,
  version: number,
  change: Partial<SignedVersion> = {},
): SignedVersion {
  const publisher = { id: samplePeer(peer).id, name: `peer-${peer}` };
  const its = { publisher, name: NAME, infohash: sampleHash(content), version, at: 1000 * version };
  return { ...its, signed: `${peer} ${content} ${version}`, verify: () => true, ...change };
}

const withdraw = (session: Session, content: number): unknown =>
  registry.withdraw(session, sampleHash(content));

function download(session: Session, content: number, ...publications: readonly SignedVersion[]): Effect[] {
  const report = sampleReport(sampleHash(content), { file: MODEL, leftBytes: 0, publications });
  return registry.announce(session, report, now);
}

/** Publishers of listed files by name, as `peer version`, with the files that `get NAME` may mean. */
function listed(name = NAME): Record<number, string[]> {
  const found: Record<number, string[]> = {};
  for (const { swarm } of registry.directory.files({ query: name, exact: true, limit: 100 }).items) {
    const content = parseInt(swarm.infohash.slice(0, 8), 16);
    const publishers = registry.publications.of(name, swarm.infohash);
    const texts = publishers.map(
      ({ publisher, version }) => `${parseInt(publisher.id.slice(0, 8), 16)} v${version}`,
    );
    found[content] = registry.publications.isSuperseded(name, swarm.infohash) ? ['old', ...texts] : texts;
  }
  return found;
}

describe('the versions of a name', () => {
  test('are those of its publisher, of which one is the newest', () => {
    const publisher = connect(PUBLISHER);
    share(publisher, 1);
    download(connect(3), 1);
    withdraw(publisher, 1);
    share(publisher, 2);
    expect(listed()).toEqual({ 1: ['old', '1 v1'], 2: ['1 v2'] });
    expect(kept.map(({ versions }) => versions.length)).toEqual([1, 2]);
    expect(kept.at(-1)).toMatchObject({ publisher: { name: 'peer-1' }, name: NAME, party: '10.0.0.1' });
  });

  test('stay while the publisher is away, and when it returns', () => {
    const publisher = connect(PUBLISHER);
    share(publisher, 1);
    const downloader = connect(3);
    download(downloader, 1);
    withdraw(publisher, 1);
    share(publisher, 2);
    download(downloader, 2);
    registry.disconnect(publisher, 'gone');
    expect(listed()).toEqual({ 1: ['old', '1 v1'], 2: ['1 v2'] });
    const again = connect(PUBLISHER);
    share(again, 2, { restated: true });
    expect(listed()).toEqual({ 1: ['old', '1 v1'], 2: ['1 v2'] });
    share(again, 3);
    expect(listed()).toEqual({ 1: ['old', '1 v1'], 2: ['old', '1 v2'], 3: ['1 v3'] });
  });

  test('that nobody has any more do not hide an older one', () => {
    const publisher = connect(PUBLISHER);
    share(publisher, 1);
    download(connect(3), 1);
    withdraw(publisher, 1);
    share(publisher, 2);
    withdraw(publisher, 2);
    expect(listed()).toEqual({ 1: ['1 v1'] });
  });

  test('of a publisher that switches back are newer each time', () => {
    const publisher = connect(PUBLISHER);
    for (const content of [1, 2, 1, 2, 1]) {
      share(publisher, content);
      download(connect(10 + content), content);
      withdraw(publisher, content);
    }
    expect(listed()).toEqual({ 1: ['1 v5'], 2: ['old', '1 v4'] });
  });

  test('do not change when a publisher resumes an older one beside the newest', () => {
    const publisher = connect(PUBLISHER);
    share(publisher, 1);
    share(publisher, 2);
    withdraw(publisher, 1);
    share(publisher, 1);
    share(publisher, 1, { restated: true });
    expect(listed()).toEqual({ 1: ['old', '1 v1'], 2: ['1 v2'] });
  });
});

describe('a stranger', () => {
  test('that shares newer content under the same name is another publisher', () => {
    share(connect(PUBLISHER), 1);
    share(connect(STRANGER), 2);
    expect(listed()).toEqual({ 1: ['1 v1'], 2: ['2 v1'] });
  });

  test("with the publisher's name is another publisher, also while that is away", () => {
    const publisher = connect(PUBLISHER, 'alice');
    share(publisher, 1);
    download(connect(3), 1);
    registry.disconnect(publisher, 'gone');
    share(connect(STRANGER, 'alice'), 2);
    expect(listed()).toEqual({ 1: ['1 v1'], 2: ['2 v1'] });
    share(connect(PUBLISHER, 'alice'), 1, { restated: true });
    expect(listed()).toEqual({ 1: ['1 v1'], 2: ['2 v1'] });
  });

  test('that has downloaded a version and shares it is a second publisher, and never the only one', () => {
    const publisher = connect(PUBLISHER);
    share(publisher, 1);
    const stranger = connect(STRANGER);
    download(stranger, 1);
    expect(listed()).toEqual({ 1: ['1 v1'] });
    share(stranger, 1);
    share(stranger, 3);
    // The publisher's newest version is not hidden by the stranger's.
    expect(listed()).toEqual({ 1: ['1 v1', '2 v1'], 3: ['2 v2'] });
    registry.disconnect(publisher, 'gone');
    expect(listed()).toEqual({ 1: ['1 v1', '2 v1'], 3: ['2 v2'] });
  });

  test('that comes first after a restart of the tracker hides nothing of the publisher once that is back', () => {
    const stranger = connect(STRANGER);
    share(stranger, 1);
    share(stranger, 3);
    const publisher = connect(PUBLISHER);
    share(publisher, 1, { restated: true });
    expect(listed()).toEqual({ 1: ['2 v1', '1 v1'], 3: ['2 v2'] });
    share(publisher, 4);
    expect(listed()).toEqual({ 1: ['old', '2 v1', '1 v1'], 3: ['2 v2'], 4: ['1 v2'] });
  });

  test('cannot make content a version by announcing it', () => {
    share(connect(PUBLISHER), 1);
    download(connect(STRANGER), 2);
    expect(listed()).toEqual({ 1: ['1 v1'], 2: [] });
  });

  test('with many names uses its own part of the room', () => {
    start(10, 50);
    share(connect(PUBLISHER), 1);
    const stranger = connect(STRANGER);
    for (let number = 1; number <= 20; number++) share(stranger, 100 + number, { name: `junk ${number}` });
    expect(registry.publications.size).toBe(6);
    // What has no room is not stored for the network either.
    expect([kept.length, forgotten.length]).toEqual([6, 0]);
    expect(listed()).toEqual({ 1: ['1 v1'] });
    expect(listed('junk 20')).toEqual({ 120: [] });

    withdraw(stranger, 101);
    share(stranger, 121, { name: 'junk 21' });
    expect(forgotten.map(({ name }) => name)).toEqual(['junk 1']);
    expect(listed('junk 21')).toEqual({ 121: ['2 v1'] });
  });

  test("with many identities takes no publisher's place of a name", () => {
    share(connect(PUBLISHER), 1);
    for (let peer = 20; peer < 60; peer++) share(connect(peer, `s${peer}`, `10.1.0.${peer % 4}`), peer);
    const now = listed();
    expect(now[1]).toEqual(['1 v1']);
    // Of one address only so many are noted; the others' files have no publisher.
    expect(Object.values(now).filter((publishers) => publishers.length > 0)).toHaveLength(16);
    expect(Object.keys(now)).toHaveLength(41);
  });

  test('that shares a copy hides nothing of a publisher that is not known, present or away', () => {
    for (let peer = 20; peer < 36; peer++) share(connect(peer, `s${peer}`, `10.1.0.${peer % 4}`), 2);
    const publisher = connect(PUBLISHER);
    share(publisher, 1);
    download(connect(3), 1);
    for (let peer = 20; peer < 36; peer++) {
      const stranger = registry.directory.session(samplePeer(peer).id)!;
      share(stranger, 1);
      share(stranger, 66);
    }
    expect(listed()[1]?.[0]).not.toBe('old');
    registry.disconnect(publisher, 'gone');
    expect(listed()[1]?.[0]).not.toBe('old');
  });

  test('with all places of a name hides nothing that another shares at the same time', () => {
    const strangers = [...Array(16).keys()].map((at) => connect(20 + at, `s${at}`, `10.1.0.${at % 4}`));
    for (const stranger of strangers) share(stranger, 1);
    share(connect(PUBLISHER), 1);
    for (const stranger of strangers) share(stranger, 66);
    expect(listed()[1]?.[0]).not.toBe('old');
  });

  test('that was there first and is gone leaves room for a publisher', () => {
    for (let peer = 20; peer < 60; peer++) {
      const stranger = connect(peer, `s${peer}`, `10.1.0.${peer % 20}`);
      share(stranger, peer);
      registry.disconnect(stranger, 'gone');
    }
    share(connect(PUBLISHER), 1);
    expect(listed()).toEqual({ 1: ['1 v1'] });
  });
});

describe('a signed publication', () => {
  const problems = (effects: readonly Effect[]): string[] =>
    effects.flatMap((effect) => (effect.type === 'problem' ? effect.error.reason : []));

  test('gives its number and time, in whatever order versions are repeated', () => {
    const publisher = connect(PUBLISHER);
    share(publisher, 3, { restated: true, publications: [signed(PUBLISHER, 3, 3)] });
    share(publisher, 1, { restated: true, publications: [signed(PUBLISHER, 1, 1)] });
    share(publisher, 2, { restated: true, publications: [signed(PUBLISHER, 2, 2)] });
    expect(listed()).toEqual({ 1: ['old', '1 v1'], 2: ['old', '1 v2'], 3: ['1 v3'] });
    expect(registry.publications.of(NAME, sampleHash(2))).toMatchObject([{ at: 2000, signed: '1 2 2' }]);
  });

  test('is learned from those who have the file while its publisher is away, and stays the same when it is back', () => {
    download(connect(3), 1, signed(PUBLISHER, 1, 1));
    download(connect(4), 2, signed(PUBLISHER, 2, 2));
    const known = { 1: ['old', '1 v1'], 2: ['1 v2'] };
    expect(listed()).toEqual(known);
    expect(kept.at(-1)).toMatchObject({ publisher: { name: 'peer-1' }, party: '10.0.0.3' });
    share(connect(PUBLISHER), 2, { restated: true, publications: [signed(PUBLISHER, 2, 2)] });
    expect(listed()).toEqual(known);
    // The publisher counts for its own party from now on.
    download(connect(5), 3, signed(PUBLISHER, 3, 3));
    expect(kept.at(-1)).toMatchObject({ party: '10.0.0.1' });
  });

  test('replaces the number and time that a tracker gave', () => {
    const publisher = connect(PUBLISHER);
    share(publisher, 2);
    share(publisher, 1, { restated: true });
    expect(listed()).toEqual({ 1: ['1 v2'], 2: ['old', '1 v1'] });
    share(publisher, 2, { restated: true, publications: [signed(PUBLISHER, 2, 2)] });
    share(publisher, 1, { restated: true, publications: [signed(PUBLISHER, 1, 1)] });
    expect(Object.keys(listed())).toEqual(['1', '2']);
    expect(listed()[1]?.[0]).toBe('old');
  });

  test('that its publisher has not signed, of another file or of the future changes nothing', () => {
    const holder = connect(3);
    const bad = [
      signed(PUBLISHER, 1, 1, { verify: () => false }),
      signed(PUBLISHER, 2, 1),
      signed(PUBLISHER, 1, 1, { name: 'other.bin' }),
      signed(PUBLISHER, 1, 1, { at: now + 11 * 60_000 }),
    ];
    for (const publication of bad) {
      const effects = download(holder, 1, publication);
      const reason = publication === bad.at(-1) ? 'PUBLICATION_IN_FUTURE' : 'BAD_PUBLICATION';
      expect(problems(effects)).toEqual([reason]);
      expect(listed()).toEqual({ 1: [] });
    }
    expect(kept).toEqual([]);
  });

  test('is verified once', () => {
    let verified = 0;
    const verify = (): boolean => (verified += 1) > 0;
    for (let peer = 3; peer < 9; peer++) download(connect(peer), 1, signed(PUBLISHER, 1, 1, { verify }));
    expect(verified).toBe(1);
    expect(registry.publications.verified).toBe(1);
  });

  test('for which its party has no room is not verified', () => {
    start(10, 30);
    const holder = connect(3);
    for (let number = 1; number <= 8; number++) {
      const name = `file ${number}`;
      share(holder, number, { name, publications: [signed(3, number, 1, { name })] });
    }
    expect([registry.publications.size, registry.publications.verified]).toEqual([3, 3]);
  });

  test('of a stranger with a copy supersedes nothing, whatever time it has', () => {
    download(connect(3), 1, signed(PUBLISHER, 1, 1));
    const stranger = connect(STRANGER);
    share(stranger, 1, { publications: [signed(STRANGER, 1, 1, { at: 0 })] });
    share(stranger, 9, { publications: [signed(STRANGER, 9, 2, { at: 1 })] });
    expect(listed()).toEqual({ 1: ['1 v1', '2 v1'], 9: ['2 v2'] });
  });

  test('of one who also brings the publication that it has the file from is one of a copy', () => {
    const copier = connect(STRANGER);
    share(copier, 1, { publications: [signed(STRANGER, 1, 1, { at: 0 }), signed(PUBLISHER, 1, 1)] });
    expect(listed()).toEqual({ 1: ['1 v1', '2 v1'] });
  });

  test('that is brought late is an old one, and the room for versions stays', () => {
    const publisher = connect(PUBLISHER);
    for (let version = 20; version > 0; version--)
      share(publisher, version, { restated: true, publications: [signed(PUBLISHER, version, version)] });
    const numbers = Object.values(listed()).flatMap((texts) => texts.at(-1) ?? []);
    expect(numbers).toEqual(Array.from({ length: 16 }, (_, at) => `1 v${at + 5}`));
  });
});

describe('what another tracker knows', () => {
  const known = (content: number, at: number): Publication => ({
    publisher: { id: samplePeer(PUBLISHER).id, name: 'alice' },
    name: NAME,
    party: '',
    versions: [{ infohash: sampleHash(content), version: 1, at }],
  });

  test('is merged, and a version that is repeated here stays where it was', () => {
    registry.publications.learn(known(1, 5));
    registry.publications.learn(known(2, 7));
    const publisher = connect(PUBLISHER);
    share(publisher, 2, { restated: true });
    download(connect(3), 1);
    expect(listed()).toEqual({ 1: ['old', '1 v1'], 2: ['1 v2'] });
    expect(kept).toEqual([]);
  });

  test('is limited', () => {
    start(2);
    for (const number of [1, 2, 3]) registry.publications.learn({ ...known(number, 1), name: `n${number}` });
    expect(registry.publications.size).toBe(2);
  });
});
