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

  it('keeps first use through reconnections, and passes the name on when the first is forgotten or renamed', () => {
    const roster = rosterOf([alice, 'alice', 0], [bob, 'alice', 1], [carol, 'alice', 2], [alice, 'alice', 3]);
    expect(roster.shownName(alice)).toBe('alice');
    roster.forget(alice);
    expect([roster.shownName(bob), roster.shownName(carol)]).toEqual(['alice', 'alice (cccccccc)']);
    roster.set(roster.greeted({ id: bob, name: 'bob', party: HOME }, 4));
    roster.set(roster.greeted({ id: bob, name: 'alice', party: HOME }, 5));
    expect([roster.shownName(bob), roster.shownName(carol)]).toEqual(['alice (bbbbbbbb)', 'alice']);
  });

  it('removes a peer with its memberships, and a room with its last member', () => {
    const roster = rosterOf([alice, 'alice', 0], [bob, 'bob', 50]);
    for (const peer of [alice, bob]) roster.restore({ room: 'r', peer });
    roster.restore({ room: 'only alice', peer: alice });
    expect(roster.stale(101).map(({ name }) => name)).toEqual(['alice']);
    expect(roster.forget(alice)).toEqual(['r', 'only alice']);
    expect(roster.rooms.names('', 10)).toEqual(['r']);
    expect(() => roster.resolve(bob, { kind: 'room', room: 'only alice' })).toThrow(/no room/);
  });

  it('forgets a peer that never took part much sooner', () => {
    const roster = rosterOf([alice, 'alice', 0]);
    roster.set(roster.greeted({ id: bob, name: 'bob', party: HOME }, 0));
    expect(roster.stale(10)).toEqual([]);
    expect(roster.stale(11).map(({ name }) => name)).toEqual(['bob']);
  });

  it('knows a share of the peers of one party; one that moves there is known on', () => {
    const roster = rosterWith({ knownPeers: 2000 });
    const peer = (n: number): PeerId => parsePeerId(n.toString(16).padStart(64, '0'));
    for (let n = 0; n < 100; n++) {
      roster.checkRoomFor(HOME);
      roster.set(roster.greeted({ id: peer(n), name: `${n}`, party: HOME }, 0));
    }
    expect(() => roster.checkRoomFor(HOME)).toThrow(/100 peers at your address/);
    roster.checkRoomFor('10.0.0.2');
    roster.set(roster.greeted({ id: peer(100), name: 'guest', party: '10.0.0.2' }, 0));
    const moved = roster.greeted({ id: peer(100), name: 'guest', party: HOME }, 1);
    expect(moved.party).toBe('10.0.0.2');
    roster.forget(peer(0));
    expect(roster.greeted({ id: peer(100), name: 'guest', party: HOME }, 1).party).toBe(HOME);
  });

  it('sends to a room and to everyone, but not back to the sender', () => {
    const roster = rosterOf([alice, 'alice'], [bob, 'bob'], [carol, 'carol']);
    for (const peer of [alice, bob]) roster.restore({ room: 'r', peer });
    expect(roster.resolve(alice, { kind: 'room', room: 'r' }).receivers).toEqual([bob]);
    expect(roster.resolve(alice, { kind: 'everyone' }).receivers).toEqual([bob, carol]);
    expect(roster.resolve(alice, { kind: 'peer', peer: 'alice' }).receivers).toEqual([alice]);
  });
});
