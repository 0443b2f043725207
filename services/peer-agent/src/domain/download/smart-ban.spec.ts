import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { peerNamed } from '../../../test/support/ids.js';
import { ActivePiece } from './picker/active-piece.js';
import { SmartBan } from './smart-ban.js';

const [alice, bob, mallory] = [peerNamed('alice'), peerNamed('bob'), peerNamed('mallory')] as const;

/** A piece with one block from each sender; blocks marked "!" are bad. */
function piece(senders: readonly string[], index = 0): ActivePiece {
  const made = new ActivePiece(index, senders.length, false);
  senders.forEach((sender, block) => {
    made.blocks[block]!.sender = peerNamed(sender.replace('!', ''));
    made.store(block, Buffer.from(sender.includes('!') ? `wrong by ${sender}` : `block ${block}`));
  });
  return made;
}

describe('SmartBan', () => {
  it('names the sole sender of a failed piece at once', () => {
    const smartBan = new SmartBan();
    expect(smartBan.failed(piece(['mallory', 'mallory!']))).toEqual({ peer: mallory, link: 0 });
    expect(smartBan.has(0)).toBe(false);
  });

  it('names the first link of a sole sender, one of whose blocks is bad, and the last with a block that is proven bad', () => {
    const smartBan = new SmartBan();
    const mixed = piece(['mallory!', 'mallory', 'mallory!']);
    mixed.blocks.forEach((block, at) => (block.link = 7 + at));
    expect(smartBan.failed(mixed)).toEqual({ peer: mallory, link: 7 });
    const shared = piece(['mallory!', 'alice', 'mallory!', 'mallory']);
    shared.blocks.forEach((block, at) => (block.link = 7 + at));
    smartBan.failed(shared);
    expect(smartBan.verified(piece(['bob', 'bob', 'bob', 'bob']))).toEqual([{ peer: mallory, link: 9 }]);
  });

  it('names no peer when there were several senders, and wants the piece from one peer', () => {
    const smartBan = new SmartBan();
    expect(smartBan.failed(piece(['alice', 'mallory!']))).toBeUndefined();
    expect(smartBan.has(0)).toBe(true);
    expect(smartBan.has(1)).toBe(false);
  });

  it('names the sender of a block that differs from the good one, and no other', () => {
    const smartBan = new SmartBan();
    smartBan.failed(piece(['alice', 'mallory!', 'bob']));
    expect(smartBan.verified(piece(['bob', 'bob', 'bob']))).toEqual([{ peer: mallory, link: 0 }]);
  });

  it('names the culprits of all attempts, each once', () => {
    const smartBan = new SmartBan();
    smartBan.failed(piece(['alice', 'mallory!', 'mallory!']));
    smartBan.failed(piece(['bob!', 'mallory!', 'alice']));
    const named = smartBan.verified(piece(['alice', 'alice', 'alice'])).map(({ peer }) => peer);
    expect(named.sort()).toEqual([bob, mallory].sort());
  });

  it('never names an honest peer, whichever peers sent what in however many attempts', () => {
    const sender = fc.constantFrom('alice', 'bob', 'carol', 'mallory!', 'trudy!', 'mallory');
    const attempt = fc.array(sender, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 5 }), (attempts) => {
        const smartBan = new SmartBan();
        const named = new Set<string>();
        const guilty = new Set<string>();
        for (const senders of attempts) {
          if (!senders.some((name) => name.includes('!'))) continue;
          const sole = smartBan.failed(piece(senders));
          if (sole) named.add(sole.peer);
          for (const name of senders) if (name.includes('!')) guilty.add(peerNamed(name.replace('!', '')));
        }
        for (const culprit of smartBan.verified(piece(['alice', 'alice', 'alice', 'alice'])))
          named.add(culprit.peer);
        expect([...named].sort()).toEqual([...guilty].sort());
      }),
    );
  });

  it('forgets a piece once it is verified', () => {
    const smartBan = new SmartBan();
    smartBan.failed(piece(['alice', 'mallory!']));
    smartBan.verified(piece(['alice', 'alice']));
    expect(smartBan.has(0)).toBe(false);
    expect(smartBan.verified(piece(['bob', 'bob']))).toEqual([]);
  });

  it('keeps pieces apart', () => {
    const smartBan = new SmartBan();
    smartBan.failed(piece(['alice', 'mallory!'], 1));
    expect(smartBan.verified(piece(['alice', 'alice'], 2))).toEqual([]);
    expect(smartBan.verified(piece(['alice', 'alice'], 1))).toEqual([{ peer: mallory, link: 0 }]);
    expect(alice).not.toBe(mallory);
  });

  it('counts and lists the parole pieces', () => {
    const smartBan = new SmartBan();
    expect([smartBan.count, [...smartBan.pieces()]]).toEqual([0, []]);
    for (const index of [3, 5, 3]) smartBan.failed(piece(['alice', 'mallory!'], index));
    expect([smartBan.count, [...smartBan.pieces()]]).toEqual([2, [3, 5]]);
    smartBan.verified(piece(['alice', 'alice'], 3));
    expect([smartBan.count, [...smartBan.pieces()]]).toEqual([1, [5]]);
  });
});
