import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import { BLOCK_SIZE, PieceLayout } from '@enjambre/core/layout';
import type { BlockRef, RejectReason } from '../block.js';
import fc from 'fast-check';
import { bytesOf, folderMetainfo } from '../../../test/support/content.js';
import { peerNamed } from '../../../test/support/ids.js';
import { seededRandom } from '../random.js';
import { DownloadEngine } from './download-engine.js';
import type { DownloadEvent } from './messages.js';
import type { BudgetShare } from './outstanding-budget.js';

const PIECE = 2 * BLOCK_SIZE;
const PIECES = 30;
/** The first piece is a single, short block. */
const files = { a: bytesOf(1000), b: bytesOf((PIECES - 1) * PIECE) };
const layout = new PieceLayout(folderMetainfo(files, PIECE));
const PEERS = [peerNamed('one'), peerNamed('two'), peerNamed('three')];

/** A rate that counts what it is charged, and allows requests or not as a test needs. */
class CountedBudget implements BudgetShare {
  readonly limitBytes = 1 << 30;
  readonly ceiling = 1;
  readonly isPaced = true;
  lets = true;
  charged = 0;
  /** Of these. */
  unanswered = 0;
  use(): void {}
  mayAsk(): boolean {
    return this.lets;
  }
  asked(bytes: number): void {
    this.charged += bytes;
    this.unanswered += bytes;
  }
  arrived(bytes: number): void {
    this.unanswered -= bytes;
  }
  returned(bytes: number): void {
    this.charged -= bytes;
    this.unanswered -= bytes;
  }
}

interface Owed {
  readonly peer: PeerId;
  readonly id: number;
  readonly ref: BlockRef | undefined;
  readonly bytes: number;
}

/** An engine whose peers answer, late or never, whatever is requested of them. */
class Scene {
  readonly budget = new CountedBudget();
  readonly violations: string[] = [];
  owed: Owed[] = [];
  receivedBytes = 0;
  /** Requests that followed from the last event. */
  fresh = 0;
  readonly #engine = new DownloadEngine({
    layout,
    have: Bitfield.empty(PIECES),
    random: seededRandom(1),
    budget: this.budget,
  });
  #nowMs = 0;

  feed(event: DownloadEvent): void {
    this.fresh = 0;
    for (const effect of this.#engine.handle(event, (this.#nowMs += 50))) {
      if (effect.type === 'violation') this.violations.push(effect.reason);
      if (effect.type !== 'request' && effect.type !== 'request-any') continue;
      const { source: peer, id } = effect;
      const ref = effect.type === 'request' ? effect.ref : undefined;
      const bytes = ref ? layout.blockSize(ref.piece, ref.block) : BLOCK_SIZE;
      this.owed.push({ peer, id, ref, bytes });
      this.fresh += 1;
    }
  }

  leave(peer: PeerId): void {
    this.owed = this.owed.filter((owed) => owed.peer !== peer);
    this.feed({ type: 'source-left', source: peer });
  }

  answer(at: number, chosen: number): void {
    const owed = this.#take(at);
    if (!owed) return;
    const ref = owed.ref ?? { piece: chosen % PIECES, block: 0 };
    this.receivedBytes += layout.blockSize(ref.piece, ref.block);
    this.feed({ type: 'block-arrived', source: owed.peer, id: owed.id, ref });
  }

  reject(at: number, reason: RejectReason): void {
    const owed = this.#take(at);
    if (owed) this.feed({ type: 'block-rejected', source: owed.peer, id: owed.id, reason });
  }

  get owedBytes(): number {
    return this.owed.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #take(at: number): Owed | undefined {
    const [owed] = this.owed.splice(at % Math.max(1, this.owed.length), 1);
    return owed;
  }
}

const peer = fc.constantFrom(...PEERS);
const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('join' as const), peer, superSeeds: fc.boolean() }) },
  fc.record({ do: fc.constant('leave' as const), peer }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('spread' as const), peer, on: fc.boolean() }) },
  fc.record({ do: fc.constant('choke' as const), peer, on: fc.boolean() }),
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('answer' as const), at: fc.nat(99), chosen: fc.nat() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('reject' as const),
      at: fc.nat(99),
      reason: fc.constantFrom<RejectReason>('not-available', 'cancelled', 'choked'),
    }),
  },
  fc.record({ do: fc.constant('limit' as const), lets: fc.boolean() }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('tick' as const) }) },
);

function perform(scene: Scene, one: typeof step extends fc.Arbitrary<infer Step> ? Step : never): void {
  switch (one.do) {
    case 'join':
      scene.leave(one.peer);
      scene.feed({ type: 'source-joined', source: one.peer, has: Bitfield.full(PIECES) });
      return scene.feed({ type: 'source-super-seeds', source: one.peer, on: one.superSeeds });
    case 'leave':
      return scene.leave(one.peer);
    case 'spread':
      return scene.feed({ type: 'source-super-seeds', source: one.peer, on: one.on });
    case 'choke':
      return scene.feed({ type: one.on ? 'source-choked' : 'source-unchoked', source: one.peer });
    case 'answer':
      return scene.answer(one.at, one.chosen);
    case 'reject':
      return scene.reject(one.at, one.reason);
    case 'limit':
      scene.budget.lets = one.lets;
      return;
    case 'tick':
      return scene.feed({ type: 'tick' });
  }
}

describe('the request rate of a download', () => {
  it('is charged for bytes that arrived and may still arrive, by name or by choice, whatever peers do', () => {
    let choices = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 120 }), (steps) => {
        const scene = new Scene();
        for (const one of steps) {
          perform(scene, one);
          expect(scene.violations).toEqual([]);
          expect(scene.budget.charged).toBe(scene.receivedBytes + scene.owedBytes);
          expect(scene.budget.unanswered).toBe(scene.owedBytes);
          if (!scene.budget.lets) expect(one.do === 'limit' ? 0 : scene.fresh).toBe(0);
          choices += scene.owed.filter(({ ref }) => !ref).length;
        }
      }),
      { numRuns: 300 },
    );
    expect(choices).toBeGreaterThan(1000);
  });

  it('is refunded the difference if a block of choice is shorter than the longest', () => {
    const scene = new Scene();
    const [seeder] = PEERS as [PeerId];
    scene.feed({ type: 'source-joined', source: seeder, has: Bitfield.full(PIECES) });
    scene.feed({ type: 'source-super-seeds', source: seeder, on: true });
    while (scene.owed[0]?.ref) scene.answer(0, 1);
    const before = scene.budget.charged;
    scene.budget.lets = false;
    scene.answer(0, 0);
    expect(before - scene.budget.charged).toBe(BLOCK_SIZE - 1000);
  });
});
