import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Bitfield } from '@enjambre/core/bitfield';
import { PieceLayout } from '@enjambre/core/layout';
import { bytesOf, metainfoOf } from '../../../test/support/content.js';
import { peerNamed } from '../../../test/support/ids.js';
import { VirtualSwarm } from '../../../test/support/virtual-swarm.js';
import { seededRandom } from '../random.js';
import { DownloadEngine } from './download-engine.js';

const PIECE = 16 * 1024;
const PIECES = 24;
const BYTES = PIECES * PIECE;

const pieces = fc.uniqueArray(fc.integer({ min: 0, max: PIECES - 1 }), { minLength: 1 });

describe('a download of some pieces', () => {
  it('requests these and no others, of whatever peers have them, and is complete with the last', () => {
    const arbitrary = fc.record({
      selected: pieces,
      have: fc.uniqueArray(fc.integer({ min: 0, max: PIECES - 1 }), { maxLength: 4 }),
      first: pieces,
      second: pieces,
      isLate: fc.boolean(),
    });
    fc.assert(
      fc.property(arbitrary, ({ selected, have, first, second, isLate }) => {
        const missing = selected.filter((piece) => !have.includes(piece));
        const sources = new Set([...first, ...second]);
        const peers = [
          { name: 'first', rate: 1e6, has: first },
          { name: 'second', rate: 3e5, has: second, joinsMs: isLate ? 300 : 0 },
          { name: 'useless', rate: 1e6, has: [] },
        ];
        const swarm = new VirtualSwarm({ bytes: BYTES, pieceLength: PIECE, peers, selected, have });
        const { verified, completedMs, trace } = swarm.run(30_000);
        const asked = trace.flatMap((line) => /"type":"request".*"piece":(\d+)/.exec(line)?.[1] ?? []);
        expect(new Set(asked.map(Number))).toEqual(new Set(missing.filter((piece) => sources.has(piece))));
        expect(new Set(verified)).toEqual(new Set(missing.filter((piece) => sources.has(piece))));
        expect(completedMs !== undefined).toBe(
          missing.length > 0 && missing.every((piece) => sources.has(piece)),
        );
        expect(swarm.engine.isComplete).toBe(missing.every((piece) => sources.has(piece)));
      }),
      { numRuns: 60 },
    );
  });

  it('leaves no choice to a super-seeder, which does not know what is selected', () => {
    const layout = new PieceLayout(metainfoOf(bytesOf(BYTES), PIECE));
    const selected = Bitfield.empty(PIECES);
    selected.set(3);
    const engine = new DownloadEngine({
      layout,
      have: Bitfield.empty(PIECES),
      selected,
      random: seededRandom(1),
    });
    const source = peerNamed('seeder');
    const joined = engine.handle({ type: 'source-joined', source, has: Bitfield.full(PIECES) }, 0);
    const offered = engine.handle({ type: 'source-super-seeds', source, on: true }, 1);
    expect([...joined, ...offered]).toEqual([
      expect.objectContaining({ type: 'request', ref: { piece: 3, block: 0 } }),
    ]);
  });

  it('waits for a peer that has one of them, and not for the pieces that others announce', () => {
    const layout = new PieceLayout(metainfoOf(bytesOf(BYTES), PIECE));
    const selected = Bitfield.empty(PIECES);
    selected.set(3);
    const have = Bitfield.empty(PIECES);
    const engine = new DownloadEngine({ layout, have, selected, random: seededRandom(1) });
    const source = peerNamed('leecher');
    engine.handle({ type: 'source-joined', source, has: Bitfield.empty(PIECES) }, 0);
    expect(engine.handle({ type: 'source-has', source, pieces: [1, 2, 4] }, 1)).toEqual([]);
    expect(engine.takeBottleneck(true)).toBe('nothing-there');
    expect(engine.handle({ type: 'source-has', source, pieces: [3] }, 2)).toHaveLength(1);
  });
});
