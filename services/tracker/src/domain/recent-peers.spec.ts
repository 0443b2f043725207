import { describe, expect, test } from '@jest/globals';
import { samplePeer } from '../../test/samples.js';
import { RecentPeers } from './recent-peers.js';

function peer(number: number): ReturnType<typeof samplePeer>['id'] {
  return samplePeer(number, {}).id;
}

describe('recently admitted peers', () => {
  test('are admitted again after the pause since their admission', () => {
    const recent = new RecentPeers(1000);
    const outcomes = [0, 600, 999, 1000, 1600, 2000].map((now) => recent.admit(peer(1), now));
    expect(outcomes).toEqual([true, false, false, true, false, true]);
  });

  test('do not delay others', () => {
    const recent = new RecentPeers(1000);
    expect([recent.admit(peer(1), 0), recent.admit(peer(2), 0), recent.admit(peer(1), 1)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('are admitted if their last admission lies far in the future', () => {
    const recent = new RecentPeers(1000);
    recent.admit(peer(1), 500_000);
    expect(recent.admit(peer(1), 0)).toBe(true);
  });

  test('are dropped, oldest first, above the limit', () => {
    const recent = new RecentPeers(1000);
    for (let number = 0; number <= 10_000; number += 1) recent.admit(peer(number), 0);
    expect(recent.admit(peer(10_000), 1)).toBe(false);
    expect(recent.admit(peer(0), 1)).toBe(true);
  });
});
