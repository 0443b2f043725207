import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import fc from 'fast-check';
import { seededRandom } from '../random.js';
import { SuperSeeding, type SuperSeedMember } from './super-seeding.js';

const PIECES = 12;
const ANY = { modulus: 1, residue: 0 };

function superSeeding(pieces = PIECES, seed = 1): SuperSeeding {
  return new SuperSeeding(pieces, seededRandom(seed));
}

function newcomer(to: SuperSeeding, ...has: number[]): SuperSeedMember {
  const bits = Bitfield.empty(PIECES);
  for (const piece of has) bits.set(piece);
  return to.enter(bits);
}

/** Chooses for each member in turn until nothing is left. */
function chooseAll(from: SuperSeeding, members: readonly SuperSeedMember[], nowMs = 0): number[] {
  const chosen: number[] = [];
  for (let turn = 0; ; turn++) {
    const choice = from.choose(members[turn % members.length]!, ANY, nowMs);
    if (typeof choice === 'string') return chosen;
    chosen.push(choice.piece);
  }
}

describe('SuperSeeding', () => {
  it('gives each piece once before any of them twice', () => {
    const some = superSeeding();
    const members = [newcomer(some), newcomer(some), newcomer(some)];
    const chosen = chooseAll(some, members);
    expect([...chosen].sort((a, b) => a - b)).toEqual(Array.from({ length: PIECES }, (_, piece) => piece));
    expect(some.choose(members[0]!, ANY, 0)).toBe('later');
  });

  it('starts with different pieces for different seeds', () => {
    const firsts = [1, 2, 3, 4, 5, 6].map((seed) => {
      const some = superSeeding(PIECES, seed);
      return chooseAll(some, [newcomer(some), newcomer(some)])[0];
    });
    expect(new Set(firsts).size).toBeGreaterThan(2);
  });

  it('is useless for a single downloader, or when all pieces have been given', () => {
    const some = superSeeding();
    const first = newcomer(some);
    expect(some.isUseful).toBe(false);
    expect(some.choose(first, ANY, 0)).toBe('none');
    const second = newcomer(some);
    expect(some.isUseful).toBe(true);
    some.learn(first, [0, 1, 2, 3, 4, 5]);
    some.learn(second, [6, 7, 8, 9, 10]);
    expect(some.isUseful).toBe(true);
    some.learn(second, [11]);
    expect(some.isUseful).toBe(false);
    expect(some.choose(first, ANY, 0)).toBe('none');
  });

  it('chooses no piece that a downloader already has', () => {
    const some = superSeeding();
    const members = [newcomer(some, 0, 1, 2, 3), newcomer(some, 3, 4, 5, 6, 7)];
    expect(chooseAll(some, members).sort((a, b) => a - b)).toEqual([8, 9, 10, 11]);
  });

  it('gives a piece on its way to a member that left to another', () => {
    const some = superSeeding();
    const [first, second, third] = [newcomer(some), newcomer(some), newcomer(some)];
    chooseAll(some, [first]);
    some.learn(first, [0]);
    expect(some.choose(second, ANY, 0)).toBe('later');
    some.leave(first);
    expect(chooseAll(some, [second, third])).toHaveLength(PIECES);
  });

  it('counts the pieces of a downloader that left with all of them: it serves them now', () => {
    const some = superSeeding();
    const members = [newcomer(some), newcomer(some), newcomer(some)];
    some.learn(
      members[0]!,
      Array.from({ length: PIECES }, (_, piece) => piece),
    );
    some.leave(members[0]!);
    expect(some.isUseful).toBe(false);
    // Until all have left: a later downloader may not find it.
    some.leave(members[1]!);
    some.leave(members[2]!);
    const others = [newcomer(some), newcomer(some)];
    expect(chooseAll(some, others)).toHaveLength(PIECES);
  });

  it('gives up a piece of which nothing was sent for three seconds, and not one that is still being sent', () => {
    const some = superSeeding();
    const [slow, lost, other] = [newcomer(some), newcomer(some), newcomer(some)];
    const pieces = [...chooseAll(some, [slow, lost])];
    for (const piece of slow.chosen.keys()) some.sent(slow, piece, 2500);
    expect(some.choose(other, ANY, 2999)).toBe('later');
    const again = chooseAll(some, [other], 3001);
    expect(again).toHaveLength(pieces.length / 2);
    for (const piece of again) expect(slow.chosen.has(piece)).toBe(false);
  });

  it('stays within the class of pieces', () => {
    const some = superSeeding();
    const [first, second] = [newcomer(some), newcomer(some)];
    const chosen = new Set<number>();
    for (let choice = some.choose(first, { modulus: 4, residue: 3 }, 0); typeof choice !== 'string';) {
      chosen.add(choice.piece);
      choice = some.choose(first, { modulus: 4, residue: 3 }, 0);
    }
    expect([...chosen].sort((a, b) => a - b)).toEqual([3, 7, 11]);
    expect(some.choose(second, { modulus: 4, residue: 3 }, 0)).toBe('later');
    some.learn(first, [3, 7, 11]);
    expect(some.choose(second, { modulus: 4, residue: 3 }, 0)).toBe('none');
    expect(some.choose(second, { modulus: 4, residue: 1 }, 0)).not.toBe('none');
  });

  it('never gives a piece that any member has, or one on its way, whatever happens', () => {
    const step = fc.record({
      kind: fc.constantFrom('enter', 'leave', 'choose', 'learn', 'wait'),
      who: fc.nat(4),
      piece: fc.nat(PIECES - 1),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.nat(), (steps, seed) => {
        const some = superSeeding(PIECES, seed);
        const members: SuperSeedMember[] = [];
        let now = 0;
        for (const { kind, who, piece } of steps) {
          const member = members[who % Math.max(1, members.length)];
          if (kind === 'wait') now += 1000;
          else if (kind === 'enter') members.push(newcomer(some, piece));
          else if (!member) continue;
          else if (kind === 'leave') {
            some.leave(member);
            members.splice(members.indexOf(member), 1);
          } else if (kind === 'learn') some.learn(member, [piece]);
          else {
            const underWay = new Set<number>();
            for (const { chosen } of members)
              for (const [index, lostMs] of chosen) if (now < lostMs) underWay.add(index);
            const choice = some.choose(member, ANY, now);
            if (typeof choice === 'string') continue;
            expect(members.some(({ has }) => has.has(choice.piece))).toBe(false);
            expect(underWay.has(choice.piece)).toBe(false);
          }
        }
      }),
    );
  });
});
