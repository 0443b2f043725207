import { describe, expect, it } from '@jest/globals';
import { parsePeerId, type PeerId } from '@enjambre/core/ids';
import { Roster } from './roster.js';
import { DEFAULT_CAPACITY } from './capacity.js';
import { partyQuotas } from './party-quotas.js';

const id = (digit: string): PeerId => parsePeerId(digit.repeat(64));
const [alice, bob, carol] = [id('a'), id('b'), id('c')] as const;
const HOME = '10.0.0.1';

function rosterWith(capacity: Partial<typeof DEFAULT_CAPACITY>, percent = 5): Roster {
  const all = { ...DEFAULT_CAPACITY, ...capacity };
  return new Roster(all, partyQuotas(all, percent));
}

function rosterOf(...peers: [PeerId, string, number?][]): Roster {
  const roster = rosterWith({ peerRetentionMs: 100, newcomerRetentionMs: 10 });
  for (const [peer, name, now = 0] of peers)
    roster.set({ ...roster.greeted({ id: peer, name, party: HOME }, now), tookPart: true });
  return roster;
}

function peerOf(n: number): PeerId {
  return parsePeerId(n.toString(16).padStart(64, '0'));
}

describe('Roster', () => {
  it('finds a peer by its current name', () => {
    const roster = rosterOf([alice, 'old'], [alice, 'new']);
    expect(roster.findPeer('new').id).toBe(alice);
    expect(() => roster.findPeer('old')).toThrow(/no peer "old"/);
  });

  it('prefers an id to a name that looks like one', () => {
    const roster = rosterOf([alice, 'alice'], [bob, alice]);
    expect(roster.findPeer(alice).id).toBe(alice);
  });

  it('names the choices for digits of several ids, up to a limit', () => {
    const many = [...Array(16).keys()].map((n): [PeerId, string] => [
      parsePeerId('abcdef12' + n.toString(16).repeat(56)),
      `peer ${n}`,
    ]);
    expect(() => rosterOf(...many).findPeer('ABCDEF12')).toThrow(/^the ids of 16 peers begin .*, …$/);
  });

  it('means by a name the peer that used it first, and shows others with digits of their ids', () => {
    const roster = rosterOf([bob, 'alice', 1], [alice, 'alice', 0], [carol, 'Alice', 2]);
    expect([alice, bob, carol].map((peer) => roster.shownName(peer))).toEqual([
      'alice',
      'alice (bbbbbbbb)',
      'Alice (cccccccc)',
    ]);
    for (const name of ['alice', 'ALICE', '\uff41lice']) expect(roster.findPeer(name).id).toBe(alice);
    expect(roster.findPeer('alice (bbbbbbbb)').id).toBe(bob);
    expect(roster.findPeer('Alice (CCCCCCCC)').id).toBe(carol);
    expect(roster.findPeer('alice (aaaaaaaa)').id).toBe(alice);
    expect(() => roster.findPeer('alice (dddddddd)')).toThrow(/no peer/);
    expect(roster.namesakesOf(bob)).toBe(2);
  });

  it('keeps first use through reconnections, and passes the name on when the first is renamed', () => {
    const roster = rosterOf([alice, 'alice', 0], [bob, 'alice', 1], [carol, 'alice', 2], [alice, 'alice', 3]);
    expect(roster.shownName(alice)).toBe('alice');
    roster.set(roster.greeted({ id: alice, name: 'eve', party: HOME }, 3));
    expect([roster.shownName(bob), roster.shownName(carol)]).toEqual(['alice', 'alice (cccccccc)']);
    roster.set(roster.greeted({ id: bob, name: 'bob', party: HOME }, 4));
    roster.set(roster.greeted({ id: bob, name: 'alice', party: HOME }, 5));
    expect([roster.shownName(bob), roster.shownName(carol)]).toEqual(['alice (bbbbbbbb)', 'alice']);
  });

  it('keeps the name of a forgotten peer for it', () => {
    const roster = rosterOf([alice, 'alice', 0]);
    expect(roster.forget(alice, 10).keptName).toMatchObject({ id: alice, namedAt: 0, keptUntil: 110 });
    expect(() => roster.findPeer('alice')).toThrow(/no peer "alice"/);
    roster.set(roster.greeted({ id: bob, name: 'Alice', party: HOME }, 11));
    expect(roster.shownName(bob)).toBe('Alice (bbbbbbbb)');
    expect(() => roster.findPeer('alice')).toThrow(/first is no longer known: .*"Alice \(bbbbbbbb\)"/);
    expect(roster.findPeer('alice (bbbbbbbb)').id).toBe(bob);
    expect(roster.namesakesOf(bob)).toBe(0);
    roster.set(roster.greeted({ id: alice, name: 'ALICE', party: HOME }, 12));
    expect([roster.shownName(alice), roster.findPeer('alice').id]).toEqual(['ALICE', alice]);
    expect(roster.keptName(alice)).toBeUndefined();
    roster.forget(alice, 20);
    expect(roster.expiredNames(120)).toEqual([]);
    expect(roster.expiredNames(121).map(({ id }) => id)).toEqual([alice]);
    roster.dropName(alice);
    expect([roster.shownName(bob), roster.findPeer('alice').id]).toEqual(['Alice', bob]);
  });

  it('lets a kept name go when its peer returns under another one', () => {
    const roster = rosterOf([alice, 'alice', 0]);
    roster.forget(alice, 10);
    roster.set(roster.greeted({ id: bob, name: 'alice', party: HOME }, 11));
    roster.set(roster.greeted({ id: alice, name: 'eve', party: HOME }, 12));
    expect([roster.shownName(alice), roster.shownName(bob)]).toEqual(['eve', 'alice']);
  });

  it('keeps a share of names for one party; only a first use is kept', () => {
    const roster = rosterWith({ knownPeers: 2000 });
    for (let n = 0; n < 101; n++) {
      roster.set(roster.greeted({ id: peerOf(n), name: `${n}`, party: HOME }, 0));
      expect(roster.forget(peerOf(n), 1).keptName === undefined).toBe(n === 100);
    }
    roster.set(roster.greeted({ id: peerOf(200), name: 'guest', party: '10.0.0.2' }, 2));
    roster.set(roster.greeted({ id: peerOf(201), name: 'guest', party: '10.0.0.2' }, 3));
    expect(roster.forget(peerOf(201), 4).keptName).toBeUndefined();
    expect(roster.forget(peerOf(200), 4).keptName).toBeDefined();
  });

  it('restores kept names, also beside a peer that said hello meanwhile', () => {
    const roster = rosterOf([bob, 'bob', 5]);
    for (const [id, name] of [
      [alice, 'alice'],
      [bob, 'bob'],
    ] as const)
      roster.restoreName({ id, name, namedAt: 0, party: HOME, keptUntil: 10 });
    roster.set(roster.greeted({ id: carol, name: 'alice', party: HOME }, 6));
    expect([roster.shownName(carol), roster.shownName(bob)]).toEqual(['alice (cccccccc)', 'bob']);
    for (const { id } of roster.expiredNames(11)) roster.dropName(id);
    expect([roster.shownName(carol), roster.shownName(bob)]).toEqual(['alice', 'bob']);
  });

  it('removes a peer with its memberships, and a room with its last member', () => {
    const roster = rosterOf([alice, 'alice', 0], [bob, 'bob', 50]);
    for (const peer of [alice, bob]) roster.restore({ room: 'r', peer, joinedAt: 0 });
    roster.restore({ room: 'only alice', peer: alice, joinedAt: 0 });
    expect(roster.stale(101).map(({ name }) => name)).toEqual(['alice']);
    expect(roster.forget(alice, 101).rooms).toEqual(['r', 'only alice']);
    expect(roster.rooms.names('', 10)).toEqual(['r']);
    expect(() => roster.resolve(bob, { kind: 'room', room: 'only alice' })).toThrow(/no room/);
  });

  it('forgets a peer that never took part much sooner', () => {
    const roster = rosterOf([alice, 'alice', 0]);
    roster.set(roster.greeted({ id: bob, name: 'bob', party: HOME }, 0));
    expect(roster.stale(10)).toEqual([]);
    expect(roster.stale(11).map(({ name }) => name)).toEqual(['bob']);
  });

  it('counts a peer as one that took part once its sessions have lasted long enough together', () => {
    const roster = rosterOf();
    const greet = (now: number): void =>
      roster.set(roster.greeted({ id: bob, name: 'bob', party: HOME }, now));
    const seen = (now: number): boolean => {
      roster.set(roster.present(roster.get(bob)!, now));
      return roster.get(bob)!.tookPart;
    };
    greet(0);
    expect(seen(6)).toBe(false);
    greet(1000);
    expect(seen(1003)).toBe(false);
    expect(seen(1004)).toBe(true);
    expect(roster.stale(1104)).toEqual([]);
    expect(roster.stale(1105)).toHaveLength(1);
  });

  it('is stored when it took part, and now and then', () => {
    const roster = rosterWith({ peerRetentionMs: 80, newcomerRetentionMs: 35 });
    const before = roster.greeted({ id: bob, name: 'bob', party: HOME }, 11);
    const isStored = (now: number): boolean => roster.isWorthStoring(before, roster.present(before, now));
    expect([12, 19, 20, 30].map(isStored)).toEqual([false, false, true, true]);
    const later = { ...before, presentMs: 34 };
    expect(roster.isWorthStoring(later, roster.present(later, 12))).toBe(true);
  });

  it('knows a share of the peers of one party; one that moves there is known on', () => {
    const roster = rosterWith({ knownPeers: 2000 });
    for (let n = 0; n < 100; n++) {
      roster.checkRoomFor(HOME);
      roster.set(roster.greeted({ id: peerOf(n), name: `${n}`, party: HOME }, 0));
    }
    expect(() => roster.checkRoomFor(HOME)).toThrow(/100 peers at your address/);
    roster.checkRoomFor('10.0.0.2');
    roster.set(roster.greeted({ id: peerOf(100), name: 'guest', party: '10.0.0.2' }, 0));
    const moved = roster.greeted({ id: peerOf(100), name: 'guest', party: HOME }, 1);
    expect(moved.party).toBe('10.0.0.2');
    roster.forget(peerOf(0), 1);
    expect(roster.greeted({ id: peerOf(100), name: 'guest', party: HOME }, 1).party).toBe(HOME);
  });

  it('sends to a room and to everyone, but not back to the sender', () => {
    const roster = rosterOf([alice, 'alice'], [bob, 'bob'], [carol, 'carol']);
    for (const peer of [alice, bob]) roster.restore({ room: 'r', peer, joinedAt: 0 });
    expect(roster.resolve(alice, { kind: 'room', room: 'r' }).receivers).toEqual([bob]);
    expect(roster.resolve(alice, { kind: 'everyone' }).receivers).toEqual([bob, carol]);
    expect(roster.resolve(alice, { kind: 'peer', peer: 'alice' }).receivers).toEqual([alice]);
  });
});
