import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { peerNamed } from '../../../test/support/ids.js';
import { ActivePiece } from './active-piece.js';
import { Suspects } from './suspects.js';

const [alice, bob, mallory] = [peerNamed('alice'), peerNamed('bob'), peerNamed('mallory')] as const;

/** A piece of which each sender delivered one block; what is marked "!" came wrong. */
function piece(senders: readonly string[], index = 0): ActivePiece {
  const made = new ActivePiece(index, senders.length, false);
  senders.forEach((sender, block) => {
    made.blocks[block]!.sender = peerNamed(sender.replace('!', ''));
    made.store(block, Buffer.from(sender.includes('!') ? `wrong by ${sender}` : `block ${block}`));
  });
  return made;
}

describe('Suspects', () => {
  it('names the sole sender of a failed piece at once', () => {
    const suspects = new Suspects();
    expect(suspects.failed(piece(['mallory', 'mallory!']))).toBe(mallory);
    expect(suspects.has(0)).toBe(false);
  });

  it('names nobody when several sent, and wants the piece from one peer', () => {
    const suspects = new Suspects();
    expect(suspects.failed(piece(['alice', 'mallory!']))).toBeUndefined();
    expect(suspects.has(0)).toBe(true);
    expect(suspects.has(1)).toBe(false);
  });

  it('names who sent a block that differs from the good one, and nobody else', () => {
    const suspects = new Suspects();
    suspects.failed(piece(['alice', 'mallory!', 'bob']));
    expect(suspects.verified(piece(['bob', 'bob', 'bob']))).toEqual([mallory]);
  });

  it('names the culprits of all attempts, each once', () => {
    const suspects = new Suspects();
    suspects.failed(piece(['alice', 'mallory!', 'mallory!']));
    suspects.failed(piece(['bob!', 'mallory!', 'alice']));
    expect(suspects.verified(piece(['alice', 'alice', 'alice'])).sort()).toEqual([bob, mallory].sort());
  });

  it('names an honest name never, whoever sent what in however many attempts', () => {
    const sender = fc.constantFrom('alice', 'bob', 'carol', 'mallory!', 'trudy!', 'mallory');
    const attempt = fc.array(sender, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 5 }), (attempts) => {
        const suspects = new Suspects();
        const named = new Set<string>();
        const guilty = new Set<string>();
        for (const senders of attempts) {
          if (!senders.some((name) => name.includes('!'))) continue;
          const sole = suspects.failed(piece(senders));
          if (sole) named.add(sole);
          for (const name of senders) if (name.includes('!')) guilty.add(peerNamed(name.replace('!', '')));
        }
        for (const culprit of suspects.verified(piece(['alice', 'alice', 'alice', 'alice'])))
          named.add(culprit);
        expect([...named].sort()).toEqual([...guilty].sort());
      }),
    );
  });

  it('has no memory of a piece once it verified', () => {
    const suspects = new Suspects();
    suspects.failed(piece(['alice', 'mallory!']));
    suspects.verified(piece(['alice', 'alice']));
    expect(suspects.has(0)).toBe(false);
    expect(suspects.verified(piece(['bob', 'bob']))).toEqual([]);
  });

  it('keeps pieces apart', () => {
    const suspects = new Suspects();
    suspects.failed(piece(['alice', 'mallory!'], 1));
    expect(suspects.verified(piece(['alice', 'alice'], 2))).toEqual([]);
    expect(suspects.verified(piece(['alice', 'alice'], 1))).toEqual([mallory]);
    expect(alice).not.toBe(mallory);
  });

  it('counts and lists the pieces that have to come from one peer', () => {
    const suspects = new Suspects();
    expect([suspects.count, [...suspects.pieces()]]).toEqual([0, []]);
    for (const index of [3, 5, 3]) suspects.failed(piece(['alice', 'mallory!'], index));
    expect([suspects.count, [...suspects.pieces()]]).toEqual([2, [3, 5]]);
    suspects.verified(piece(['alice', 'alice'], 3));
    expect([suspects.count, [...suspects.pieces()]]).toEqual([1, [5]]);
  });
});
