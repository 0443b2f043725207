import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { samplePeer } from '../../test/support/samples.js';
import { DEFAULT_CAPACITY } from './capacity.js';
import { partyQuotas } from './party-quotas.js';
import { Rooms } from './rooms.js';

const PARTIES = ['10.0.0.1', '10.0.0.2'];
const limits = { ...DEFAULT_CAPACITY, rooms: 4, memberships: 9, membersPerRoom: 3, roomsPerPeer: 3 };
const quotas = { ...partyQuotas(limits, 5), rooms: 2, memberships: 5, membersPerRoom: 2 };

describe('rooms', () => {
  test('no party has more than its part, whatever is joined and left; names stay in order', () => {
    const step = fc.record({
      peer: fc.nat(5),
      room: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'é'),
      joins: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const rooms = new Rooms(limits, quotas);
        const makers = new Map<string, string>();
        for (const { peer: n, room, joins } of steps) {
          const { id: peer } = samplePeer(n);
          const party = PARTIES[n % 2]!;
          if (!joins) rooms.leave(room, peer);
          else {
            try {
              rooms.checkRoomFor(room, { peer, party });
              if (rooms.size(room) === 0) makers.set(room, party);
              rooms.join(room, { peer, party, joinedAt: 0 });
            } catch {
              // One that is refused changes nothing.
            }
          }
          const names = rooms.names('', 100);
          expect(names).toEqual([...names].sort());
          const members = names.map((name) => rooms.members(name)!);
          for (const [at, party] of PARTIES.entries()) {
            const its = members.map(
              (ids) => ids.filter((id) => Number(`0x${id.slice(0, 8)}`) % 2 === at).length,
            );
            expect(Math.max(0, ...its)).toBeLessThanOrEqual(quotas.membersPerRoom);
            expect(its.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(quotas.memberships);
            expect(names.filter((name) => makers.get(name) === party).length).toBeLessThanOrEqual(
              quotas.rooms,
            );
          }
          expect(names.length).toBeLessThanOrEqual(limits.rooms);
          expect(members.every((ids) => ids.length > 0 && ids.length <= limits.membersPerRoom)).toBe(true);
        }
      }),
    );
  });

  test('lists names after another, also one that is gone', () => {
    const rooms = new Rooms(limits, quotas);
    for (const [at, room] of ['b', 'd', 'a'].entries())
      rooms.join(room, { peer: samplePeer(at).id, party: 'x', joinedAt: 0 });
    expect([rooms.names('', 2), rooms.names('b', 2), rooms.names('c', 2), rooms.names('d', 2)]).toEqual([
      ['a', 'b'],
      ['d'],
      ['d'],
      [],
    ]);
  });
});
