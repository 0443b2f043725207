import { expect, it } from '@jest/globals';
import { peerNamed } from '../../../test/support/ids.js';
import { GivenPieces } from './given-pieces.js';

const [bob, mallory] = [peerNamed('bob'), peerNamed('mallory')];

it('a peer may complain once about a piece that was sent to it', () => {
  const given = new GivenPieces(100);
  given.give(bob, 7);
  given.give(bob, 7);
  expect([given.take(mallory, 7), given.take(bob, 8), given.take(bob, 4_000_000_000)]).toEqual([
    false,
    false,
    false,
  ]);
  expect([given.take(bob, 7), given.take(bob, 7)]).toEqual([true, false]);
  given.give(bob, 7);
  expect(given.take(bob, 7)).toBe(true);
});

it.each([
  ['a thousand peers', 100, 1000],
  ['eight MiB', 8 << 20, 8],
])('given pieces are remembered for %s at most, the newest', (_, pieces, peers) => {
  const given = new GivenPieces(pieces);
  for (let at = 0; at <= peers; at++) given.give(peerNamed(`${at}`), 1);
  const kept = [0, 1, peers].map((at) => given.take(peerNamed(`${at}`), 1));
  expect(kept).toEqual([false, true, true]);
});
