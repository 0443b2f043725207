import { describe, expect, it } from '@jest/globals';
import { parsePeerId, type PeerId } from '@enjambre/core/ids';
import { Roster } from './roster.js';
import { DEFAULT_CAPACITY } from './capacity.js';

const id = (digit: string): PeerId => parsePeerId(digit.repeat(64));
const [alice, bob, carol] = [id('a'), id('b'), id('c')] as const;

function rosterOf(...peers: [PeerId, string, number?][]): Roster {
  const roster = new Roster({ ...DEFAULT_CAPACITY, peerRetentionMs: 100 });
  for (const [peer, name, seenAt = 0] of peers) roster.greet({ id: peer, name, seenAt });
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

  it('names the choices, up to a limit', () => {
    const many = [...Array(16).keys()].map((n): [PeerId, string] => [id(n.toString(16)), 'same']);
    expect(() => rosterOf(...many).findPeer('same')).toThrow(/^16 peers are named "same".*, …$/);
  });

  it('removes a peer with its memberships, and a room with its last member', () => {
    const roster = rosterOf([alice, 'alice', 0], [bob, 'bob', 50]);
    for (const peer of [alice, bob]) roster.rooms.join('r', peer);
    roster.rooms.join('only alice', alice);
    expect(roster.stale(101).map(({ name }) => name)).toEqual(['alice']);
    expect(roster.forget(alice)).toEqual(['r', 'only alice']);
    expect(roster.rooms.names('')).toEqual(['r']);
    expect(() => roster.resolve(bob, { kind: 'room', room: 'only alice' })).toThrow(/no room/);
  });

  it('sends to a room and to everyone, but not back to the sender', () => {
    const roster = rosterOf([alice, 'alice'], [bob, 'bob'], [carol, 'carol']);
    for (const peer of [alice, bob]) roster.rooms.join('r', peer);
    expect(roster.resolve(alice, { kind: 'room', room: 'r' }).receivers).toEqual([bob]);
    expect(roster.resolve(alice, { kind: 'everyone' }).receivers).toEqual([bob, carol]);
    expect(roster.resolve(alice, { kind: 'peer', peer: 'alice' }).receivers).toEqual([alice]);
  });
});
