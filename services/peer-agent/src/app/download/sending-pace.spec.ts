import { describe, expect, it } from '@jest/globals';
import { peerNamed } from '../../../test/support/ids.js';
import type { BlockSource } from '../ports/peers.js';
import { SendingPace } from './sending-pace.js';

class Links {
  /** What each link was told, in order. */
  readonly told: number[][] = [];
  readonly #links: BlockSource[] = [];

  open(): void {
    const told: number[] = [];
    this.told.push(told);
    this.#links.push({
      id: peerNamed('uploader'),
      kind: 'peer' as const,
      pace: (bytesPerSecond) => told.push(bytesPerSecond),
      request: () => undefined,
      requestAny: () => undefined,
      cancel: () => undefined,
      have: () => undefined,
      close: () => undefined,
    });
  }

  get(): BlockSource | undefined {
    return this.#links.at(-1);
  }

  ready(): readonly BlockSource[] {
    return this.#links;
  }
}

function paced(fairRate: number) {
  const share = { fairRate };
  const links = new Links();
  const pace = new SendingPace(share, links);
  links.open();
  return { share, links, pace };
}

describe('the pace that uploaders are asked for', () => {
  it('is a little above a low limit, told once, and to whoever joins later', () => {
    const { links, pace } = paced(100_000);
    pace.review();
    pace.review();
    links.open();
    pace.joined(peerNamed('late'));
    expect(links.told).toEqual([[110_000], [110_000]]);
  });

  it('is not told without a limit, nor under one that whole blocks fit well', () => {
    for (const rate of [0, 10_000_000]) {
      const { links, pace } = paced(rate);
      pace.joined(peerNamed('a'));
      pace.review();
      expect(links.told).toEqual([[]]);
    }
  });

  it('follows when others come and go, but not each little change, and is taken back', () => {
    const { share, links, pace } = paced(400_000);
    for (const rate of [400_000, 410_000, 390_000, 200_000, 0, 0, 1_000_000, 50_000_000]) {
      share.fairRate = rate;
      pace.review();
    }
    expect(links.told).toEqual([[440_000, 220_000, 0, 1_100_000, 0]]);
  });
});
