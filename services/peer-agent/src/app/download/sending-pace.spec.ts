import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import { BLOCK_SIZE, PieceLayout } from '@enjambre/core/layout';
import { bytesOf, metainfoOf } from '../../../test/support/content.js';
import { peerNamed } from '../../../test/support/ids.js';
import { MemorySwarm, type MemoryUploader } from '../../../test/support/memory-swarm.js';
import type { BlockSource } from '../ports/peers.js';
import { SendingPace } from './sending-pace.js';

const data = bytesOf(1);
const metainfo = metainfoOf(data, BLOCK_SIZE);

class Links {
  readonly #swarm = new MemorySwarm({ metainfo, data });
  readonly #links: BlockSource[] = [];

  /** The paces that each uploader received, in order. */
  get told(): number[][] {
    return this.#links.map((_, number) => this.#uploader(number).paces);
  }

  async open(): Promise<void> {
    const { address } = this.#uploader(this.#links.length);
    const what = { infohash: metainfo.infohash, layout: new PieceLayout(metainfo), have: Bitfield.empty(1) };
    await new Promise<unknown>((joined) => this.#links.push(this.#swarm.open(address, what, joined)));
  }

  get(): BlockSource | undefined {
    return this.#links.at(-1);
  }

  ready(): readonly BlockSource[] {
    return this.#links;
  }

  #uploader(number: number): MemoryUploader {
    return this.#swarm.uploader(`uploader ${number}`);
  }
}

async function paced(fairRate: number) {
  const share = { fairRate };
  const links = new Links();
  const pace = new SendingPace(share, links);
  await links.open();
  return { share, links, pace };
}

describe('the pace requested from uploaders', () => {
  it('is a little above a low limit; it is sent once, and to links that open later', async () => {
    const { links, pace } = await paced(100_000);
    pace.review();
    pace.review();
    await links.open();
    pace.joined(peerNamed('late'));
    expect(links.told).toEqual([[110_000], [110_000]]);
  });

  it('is not sent without a limit, nor under one high enough for whole blocks', async () => {
    for (const rate of [0, 10_000_000]) {
      const { links, pace } = await paced(rate);
      pace.joined(peerNamed('a'));
      pace.review();
      expect(links.told).toEqual([[]]);
    }
  });

  it('follows the fair rate, but not small changes, and is reset when none is needed', async () => {
    const { share, links, pace } = await paced(400_000);
    for (const rate of [400_000, 410_000, 390_000, 200_000, 0, 0, 1_000_000, 50_000_000]) {
      share.fairRate = rate;
      pace.review();
    }
    expect(links.told).toEqual([[440_000, 220_000, 0, 1_100_000, 0]]);
  });
});
