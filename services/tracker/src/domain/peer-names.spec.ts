import { describe, expect, test } from '@jest/globals';
import { samplePeer } from '../../test/samples.js';
import { PeerNames } from './peer-names.js';

const HOUR_MS = 3_600_000;
const peer = (number: number, name = 'alice') => ({ id: samplePeer(number).id, name });

describe('a name', () => {
  test('belongs to the peer that used it first; the next is shown with its id', () => {
    const names = new PeerNames(100, 100);
    expect(names.enter(peer(1), 'a', 0)).toBe('alice');
    expect(names.enter(peer(2), 'b', 0)).toBe('alice (00000002)');
    expect(names.enter(peer(3, 'ALICE'), 'b', 0)).toBe('ALICE (00000003)');
    expect(names.enter(peer(4, 'bob'), 'b', 0)).toBe('bob');
    expect(names.enter(peer(1), 'c', 0)).toBe('alice');
  });

  test('stays with a peer that has left for a day', () => {
    const names = new PeerNames(100, 100);
    names.enter(peer(1), 'a', 0);
    names.leave(peer(1), HOUR_MS);
    expect(names.enter(peer(2), 'b', 24 * HOUR_MS)).toBe('alice (00000002)');
    names.leave(peer(2), 24 * HOUR_MS);
    expect(names.enter(peer(1), 'a', 24 * HOUR_MS)).toBe('alice');
    names.leave(peer(1), 24 * HOUR_MS);
    expect(names.enter(peer(2), 'b', 48 * HOUR_MS)).toBe('alice');
    expect(names.enter(peer(1), 'a', 48 * HOUR_MS)).toBe('alice (00000001)');
  });

  test('is kept for a limited number of peers that have left, and a stranger pushes out only its own', () => {
    const names = new PeerNames(100, 10);
    names.enter(peer(1), 'honest', 0);
    names.leave(peer(1), 0);
    for (let number = 2; number < 1000; number += 1) {
      names.enter(peer(number, `n${number}`), 'stranger', 0);
      names.leave(peer(number, `n${number}`), 0);
    }
    expect(names.size).toBe(11);
    expect(names.enter(peer(5000), 'stranger', 0)).toBe('alice (00001388)');
    for (let party = 0; party < 200; party += 1) {
      names.enter(peer(party, `p${party}`), `party ${party}`, 0);
      names.leave(peer(party, `p${party}`), 0);
    }
    expect(names.size).toBe(100);
  });
});
