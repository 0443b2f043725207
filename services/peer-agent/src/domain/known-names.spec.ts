import { describe, expect, it } from '@jest/globals';
import { parsePeerId, type PeerId } from '@enjambre/core/ids';
import { KnownNames } from './known-names.js';

const id = (digit: string): PeerId => parsePeerId(digit.repeat(64));
const [alice, mallory, me] = [id('a'), id('b'), id('f')] as const;
const names = (): KnownNames => new KnownNames({ peerId: me, name: 'bob' });

describe('known names', () => {
  it('mean the peer met first; another one of the name is shown with digits, whatever the service says', () => {
    const known = names();
    expect(known.meet('alice', alice)).toBe(true);
    expect(known.meet('alice', mallory)).toBe(false);
    expect(known.shown('alice', alice)).toBe('alice');
    expect(known.shown('alice (aaaaaaaa)', alice)).toBe('alice');
    for (const name of ['alice', 'alice (bbbbbbbb)', 'a\u200blice']) {
      expect(known.shown(name, mallory)).toBe('alice (bbbbbbbb)');
    }
    expect(known.shown('ALICE', mallory)).toBe('ALICE (bbbbbbbb)');
    for (const text of ['alice', 'Alice', 'alice (aaaaaaaa)']) expect(known.idOf(text)).toBe(alice);
    for (const text of ['alice (bbbbbbbb)', 'carol', '']) expect(known.idOf(text)).toBeUndefined();
  });

  it('follow the service for a name that nobody was met under', () => {
    const known = names();
    expect(known.meet('carol (bbbbbbbb)', mallory)).toBe(false);
    expect(known.shown('carol (bbbbbbbb)', mallory)).toBe('carol (bbbbbbbb)');
    expect(known.shown('carol', mallory)).toBe('carol');
  });

  it('keep the name of this agent for itself', () => {
    const known = names();
    expect(known.shown('bob', me)).toBe('bob');
    expect(known.shown('bob (ffffffff)', me)).toBe('bob');
    expect(known.shown('bob', mallory)).toBe('bob (bbbbbbbb)');
  });

  it('do not trust digits that are not those of the peer, nor names that no peer may have', () => {
    const known = names();
    expect(known.shown('alice (aaaaaaaa)', mallory)).toBe('peer (bbbbbbbb)');
    expect(known.shown('\u202e', mallory)).toBe('peer (bbbbbbbb)');
    expect(known.meet('\u202e', mallory)).toBe(false);
  });

  it('remember few names of one peer, and are restored', () => {
    const known = names();
    const met = ['one', 'two', 'three'].map((name) => known.meet(name, mallory));
    expect(met).toEqual([true, true, false]);
    const again = names();
    for (const name of known.all) again.restore(name);
    expect(again.all).toEqual(known.all);
    expect(again.meet('three', mallory)).toBe(false);
  });

  it('pass to another peer only if a person named it by its digits and the service knows no other', () => {
    const known = names();
    known.meet('alice', alice);
    expect(known.rebind('alice (bbbbbbbb)', mallory)).toBe(false);
    expect(known.rebind('alice', mallory)).toBe(true);
    expect(known.idOf('alice')).toBe(mallory);
    expect(known.shown('alice', alice)).toBe('alice (aaaaaaaa)');
    expect(known.rebind('nobody', mallory)).toBe(false);
  });
});
