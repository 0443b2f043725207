import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import fc from 'fast-check';
import { Availability } from './availability.js';

const PIECES = 12;

describe('Availability', () => {
  it('has no rarest piece while no peer has any', () => {
    expect(new Availability(Bitfield.full(PIECES)).rarest).toBe(Infinity);
  });

  it('excludes unwanted pieces from the rarest', () => {
    const availability = new Availability(Bitfield.full(PIECES));
    availability.add(3, 1);
    availability.add(4, 1);
    availability.add(4, 1);
    expect(availability.rarest).toBe(1);
    availability.unwant(3);
    expect(availability.rarest).toBe(2);
    availability.want(3);
    expect(availability.rarest).toBe(1);
  });

  it('matches a full recount after any sequence of joins, departures and requests', () => {
    const peer = fc.uniqueArray(fc.nat(PIECES - 1));
    const step = fc.oneof(
      fc.record({ do: fc.constant('join' as const), pieces: peer }),
      fc.record({ do: fc.constant('leave' as const), index: fc.nat(5) }),
      fc.record({ do: fc.constantFrom('want' as const, 'unwant' as const), piece: fc.nat(PIECES - 1) }),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(PIECES - 1)),
        fc.array(step, { maxLength: 60 }),
        (wantedFirst, steps) => {
          const wanted = Bitfield.empty(PIECES);
          for (const piece of wantedFirst) wanted.set(piece);
          const availability = new Availability(wanted);
          const peers: (readonly number[])[] = [];
          for (const act of steps) {
            if (act.do === 'join') {
              peers.push(act.pieces);
              for (const piece of act.pieces) availability.add(piece, 1);
            } else if (act.do === 'leave') {
              for (const piece of peers.splice(act.index, 1)[0] ?? []) availability.add(piece, -1);
            } else {
              availability[act.do](act.piece);
            }
            const counts = Array.from(
              { length: PIECES },
              (_, piece) => peers.filter((has) => has.includes(piece)).length,
            );
            expect([...availability.counts]).toEqual(counts);
            const there = counts.filter((count, piece) => count > 0 && wanted.has(piece));
            expect(availability.rarest).toBe(Math.min(...there));
          }
        },
      ),
    );
  });
});
