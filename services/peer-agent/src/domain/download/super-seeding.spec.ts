import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import { BLOCK_SIZE, PieceLayout } from '@enjambre/core/layout';
import { bytesOf, metainfoOf } from '../../../test/support/content.js';
import { peerNamed } from '../../../test/support/ids.js';
import { seededRandom } from '../random.js';
import { DownloadEngine } from './download-engine.js';
import type { DownloadEffect, DownloadEvent } from './messages.js';

const PIECES = 8;
const PIECE = 2 * BLOCK_SIZE;
const layout = new PieceLayout(metainfoOf(bytesOf(PIECES * PIECE), PIECE));
const [SEEDER, SECOND] = [peerNamed('seeder'), peerNamed('second seeder')];

type Named = Extract<DownloadEffect, { type: 'request' }>;
type Any = Extract<DownloadEffect, { type: 'request-any' }>;

/** An engine, and all its unanswered requests. */
class Scene {
  readonly engine = new DownloadEngine({ layout, have: Bitfield.empty(PIECES), random: seededRandom(1) });
  /** Blocks ever requested by name, as "piece/block". */
  readonly asked: string[] = [];
  readonly stored: string[] = [];
  #named: Named[] = [];
  #anys: Any[] = [];

  feed(event: DownloadEvent, nowMs = 0): this {
    for (const effect of this.engine.handle(event, nowMs)) {
      if (effect.type === 'request') {
        this.#named.push(effect);
        this.asked.push(`${effect.ref.piece}/${effect.ref.block}`);
      } else if (effect.type === 'request-any') this.#anys.push(effect);
      else if (effect.type === 'store') this.stored.push(`${effect.ref.piece}/${effect.ref.block}`);
      else if (effect.type === 'cancel') {
        const isOther = ({ source: peer, id }: Named | Any): boolean =>
          peer !== effect.source || id !== effect.id;
        this.#named = this.#named.filter(isOther);
        this.#anys = this.#anys.filter(isOther);
      }
    }
    return this;
  }

  joins(peer: PeerId, has = Bitfield.full(PIECES)): this {
    return this.feed({ type: 'source-joined', source: peer, has });
  }

  superSeeds(peer: PeerId, on = true): this {
    return this.feed({ type: 'source-super-seeds', source: peer, on });
  }

  /** Requests of a peer's choice that wait for an answer. */
  anys(peer: PeerId): Any[] {
    return this.#anys.filter((any) => any.source === peer);
  }

  /** Requests by name that wait for an answer. */
  named(peer: PeerId): Named[] {
    return this.#named.filter((request) => request.source === peer);
  }

  /** Answers all requests by name of a peer, and those that follow. */
  sendNamed(peer: PeerId): this {
    for (let [request] = this.named(peer); request; [request] = this.named(peer)) {
      const { id, ref } = request;
      this.#named = this.#named.filter((other) => other !== request);
      this.feed({ type: 'block-arrived', source: peer, id, ref });
    }
    return this;
  }

  /** Answers a peer's oldest request of its choice. */
  choose(peer: PeerId, piece: number, block: number): this {
    const any = this.#takeAny(peer);
    return this.feed({ type: 'block-arrived', source: peer, id: any.id, ref: { piece, block } });
  }

  rejectAny(peer: PeerId): this {
    const any = this.#takeAny(peer);
    return this.feed({ type: 'block-rejected', source: peer, id: any.id, reason: 'not-available' });
  }

  #takeAny(peer: PeerId): Any {
    const [any] = this.anys(peer);
    if (!any) throw new Error('the peer was left no choice');
    this.#anys = this.#anys.filter((other) => other !== any);
    return any;
  }
}

/** A download from a super-seeder, once the blocks requested before that have arrived. */
function choosing(): { scene: Scene; begun: number; fresh: number } {
  const scene = new Scene().joins(SEEDER).superSeeds(SEEDER).sendNamed(SEEDER);
  const begun = Number(scene.asked[0]?.split('/')[0]);
  return { scene, begun, fresh: (begun + 1) % PIECES };
}

describe('a super-seeder', () => {
  it('is asked for no new piece by name, but for the rest of the started ones', () => {
    const { scene, begun } = choosing();
    expect(new Set(scene.asked)).toEqual(new Set([`${begun}/0`, `${begun}/1`]));
    expect(scene.named(SEEDER)).toEqual([]);
    expect(scene.anys(SEEDER).length).toBeGreaterThan(1);
    expect(scene.anys(SEEDER)[0]).toMatchObject({ modulus: 1, residue: 0 });
  });

  it('sends a piece block by block, and no other peer is asked for it meanwhile', () => {
    const { scene, fresh } = choosing();
    scene.choose(SEEDER, fresh, 0);
    scene.joins(SECOND).sendNamed(SECOND);
    expect(scene.asked).not.toContain(`${fresh}/1`);
    scene.choose(SEEDER, fresh, 1);
    expect(scene.stored).toEqual(expect.arrayContaining([`${fresh}/0`, `${fresh}/1`]));
  });

  it.each([
    ['leaves', { type: 'source-left', source: SEEDER }],
    ['chooses no more', { type: 'source-super-seeds', source: SEEDER, on: false }],
    ['chokes us', { type: 'source-choked', source: SEEDER }],
  ] as const)('leaves the rest of its piece to others when it %s', (_, end) => {
    const { scene, fresh } = choosing();
    scene.choose(SEEDER, fresh, 0).joins(SECOND).feed(end).sendNamed(SECOND);
    expect(scene.asked.filter((ref) => ref === `${fresh}/1`)).toHaveLength(1);
    expect(scene.asked).not.toContain(`${fresh}/0`);
    expect(new Set(scene.stored).size).toBe(scene.stored.length);
  });

  it('gets no more requests of its choice when it stops super-seeding', () => {
    const { scene } = choosing();
    scene.superSeeds(SEEDER, false);
    expect(scene.anys(SEEDER)).toEqual([]);
    scene.sendNamed(SEEDER);
    expect(new Set(scene.stored).size).toBe(PIECES * 2);
  });

  it('divides the pieces with another super-seeder, in the order of their ids', () => {
    const scene = new Scene().joins(SEEDER).joins(SECOND).superSeeds(SEEDER).superSeeds(SECOND);
    scene.sendNamed(SEEDER).sendNamed(SECOND);
    const classes = [SEEDER, SECOND].sort().map((peer) => scene.anys(peer)[0]);
    expect(classes).toMatchObject([
      { modulus: 2, residue: 0 },
      { modulus: 2, residue: 1 },
    ]);
  });

  it('that has nothing in its class may choose among all pieces, and is asked by name if it has nothing at all', () => {
    const scene = new Scene().joins(SEEDER).joins(SECOND).superSeeds(SEEDER).superSeeds(SECOND);
    scene.sendNamed(SEEDER).sendNamed(SECOND).rejectAny(SEEDER);
    expect(scene.anys(SEEDER).at(-1)).toMatchObject({ modulus: 1, residue: 0 });
    while (scene.anys(SEEDER).length > 0) scene.rejectAny(SEEDER);
    expect(scene.named(SEEDER).length).toBeGreaterThan(0);
    expect(scene.anys(SECOND).length).toBeGreaterThan(0);
  });

  it('that sends the same block repeatedly is asked by name in the end', () => {
    const { scene, fresh } = choosing();
    let answers = 0;
    for (; scene.anys(SEEDER).length > 0 && answers < 1000; answers++) scene.choose(SEEDER, fresh, 0);
    expect(answers).toBeLessThan(100);
    expect(scene.sendNamed(SEEDER).stored.length).toBe(PIECES * 2);
  });

  it('that lacks a piece may not choose', () => {
    const has = Bitfield.full(PIECES);
    has.clear(3);
    const scene = new Scene().joins(SEEDER, has).superSeeds(SEEDER).sendNamed(SEEDER);
    expect(scene.anys(SEEDER)).toEqual([]);
    expect(scene.stored).toHaveLength((PIECES - 1) * 2);
  });

  it('that holds up a piece loses it to an idle peer that is many times faster', () => {
    const { scene, fresh } = choosing();
    scene.choose(SEEDER, fresh, 0).joins(SECOND).sendNamed(SECOND);
    for (let now = 100; now <= 9000; now += 100) {
      scene.feed({ type: 'tick' }, now).sendNamed(SECOND);
    }
    expect(scene.asked).toContain(`${fresh}/1`);
  });
});
