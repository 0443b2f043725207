import { describe, expect, it } from '@jest/globals';
import { parsePeerId, type PeerId } from '@enjambre/core/ids';
import { Directory } from './directory.js';
import { DEFAULT_LIMITS } from './limits.js';

const id = (digit: string): PeerId => parsePeerId(digit.repeat(64));
const [alice, bob, carol] = [id('a'), id('b'), id('c')] as const;

function directoryOf(...peers: [PeerId, string, number?][]): Directory {
  const directory = new Directory({ ...DEFAULT_LIMITS, peerRetentionMs: 100 });
  for (const [peer, name, seenAt = 0] of peers) directory.greet({ id: peer, name, seenAt });
  return directory;
}

describe('Directory', () => {
  it('finds a peer by the name that it has now', () => {
    const directory = directoryOf([alice, 'old'], [alice, 'new']);
    expect(directory.findPeer('new').id).toBe(alice);
    expect(() => directory.findPeer('old')).toThrow(/no peer "old"/);
  });

  it('prefers an id to a name that looks like one', () => {
    const directory = directoryOf([alice, 'alice'], [bob, alice]);
    expect(directory.findPeer(alice).id).toBe(alice);
  });

  it('names the choices, of very many only some', () => {
    const many = [...Array(16).keys()].map((n): [PeerId, string] => [id(n.toString(16)), 'same']);
    expect(() => directoryOf(...many).findPeer('same')).toThrow(/^16 peers are named "same".*, …$/);
  });

  it('forgets a peer with its memberships, and a room with its last member', () => {
    const directory = directoryOf([alice, 'alice', 0], [bob, 'bob', 50]);
    for (const peer of [alice, bob]) directory.rooms.join('r', peer);
    directory.rooms.join('only alice', alice);
    expect(directory.stale(101).map(({ name }) => name)).toEqual(['alice']);
    expect(directory.forget(alice)).toEqual(['r', 'only alice']);
    expect(directory.rooms.names('')).toEqual(['r']);
    expect(() => directory.resolve(bob, { kind: 'room', room: 'only alice' })).toThrow(/no room/);
  });

  it('sends to a room and to everyone, but not back to the sender', () => {
    const directory = directoryOf([alice, 'alice'], [bob, 'bob'], [carol, 'carol']);
    for (const peer of [alice, bob]) directory.rooms.join('r', peer);
    expect(directory.resolve(alice, { kind: 'room', room: 'r' }).receivers).toEqual([bob]);
    expect(directory.resolve(alice, { kind: 'everyone' }).receivers).toEqual([bob, carol]);
    expect(directory.resolve(alice, { kind: 'peer', peer: 'alice' }).receivers).toEqual([alice]);
  });
});
