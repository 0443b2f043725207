import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import { BLOCK_SIZE, PieceLayout } from '@enjambre/core/layout';
import { bytesOf, metainfoOf } from '../../../test/support/content.js';
import { MemorySwarm, type MemoryUploader } from '../../../test/support/memory-swarm.js';
import { MAX_LINKS, WIDE_WATCH_PEERS } from '../../domain/swarm-constants.js';
import type { PeerAddress } from '../ports/peers.js';
import { SwarmLinks, type SwarmHandler } from './swarm-links.js';

const data = bytesOf(1);
const metainfo = metainfoOf(data, BLOCK_SIZE);
const layout = new PieceLayout(metainfo);
let swarm: MemorySwarm;
const ignored = new Proxy({} as SwarmHandler, { get: () => () => undefined });
let links: SwarmLinks | undefined;
let nowMs = 0;
let widened = 0;

beforeEach(() => {
  swarm = new MemorySwarm({ metainfo, data });
  widened = 0;
});

afterEach(() => links?.close('STOPPING', 'the test is over'));

function address(number: number): PeerAddress {
  return peer(number).address;
}

/** It has no piece, and answers no request. */
function peer(number: number): MemoryUploader {
  const uploader = swarm.uploader(`peer ${number}`).only();
  uploader.hold();
  return uploader;
}

/** The peer sends a block. */
function send(number: number): void {
  peer(number).send(1, { piece: 0, block: 0 });
}

function make(): SwarmLinks {
  const parts = { infohash: metainfo.infohash, layout, have: Bitfield.empty(1), isBanned: () => false };
  const outer = {
    connector: swarm,
    nowMs: () => nowMs,
    random: () => 0,
    widen: () => (widened += 1),
  };
  links = new SwarmLinks({ ...parts, ...outer }, ignored);
  return links;
}

const addresses = (count: number, from = 0): PeerAddress[] =>
  Array.from({ length: count }, (_, number) => address(from + number));

/** The maximum number of links, all open. */
async function full(): Promise<SwarmLinks> {
  const links = make();
  links.update({ snapshot: true, upserted: addresses(MAX_LINKS), removed: [] });
  await Promise.resolve();
  expect(links.counts).toEqual({ known: MAX_LINKS, ready: MAX_LINKS });
  return links;
}

describe('links to a swarm', () => {
  it('are kept when the tracker no longer lists their peers', async () => {
    const kept = await full();
    kept.update({ snapshot: false, upserted: [], removed: [address(3).peerId] });
    expect(kept.counts.ready).toBe(MAX_LINKS);
    expect(swarm.closed).toEqual([]);
  });

  it('give way to a new peer at their maximum number, if their own is no longer listed', async () => {
    const replaced = await full();
    replaced.update({ snapshot: false, upserted: [address(100)], removed: [address(3).peerId] });
    expect(swarm.closed).toEqual(['peer 3: REPLACED']);
    expect(replaced.get(address(3).peerId)).toBeUndefined();
    expect(replaced.get(address(100).peerId)).toBeDefined();
    expect(replaced.counts.known).toBe(MAX_LINKS);
  });

  it('do not exceed their maximum number while the tracker lists all their peers', async () => {
    const links = await full();
    links.update({ snapshot: false, upserted: [address(100)], removed: [] });
    expect(links.get(address(100).peerId)).toBeUndefined();
    expect(swarm.closed).toEqual([]);
  });

  it('are opened to a waiting peer as soon as there is a place', async () => {
    const links = await full();
    links.update({ snapshot: false, upserted: [address(100)], removed: [] });
    links.update({ snapshot: false, upserted: [], removed: [address(3).peerId] });
    expect(swarm.closed).toEqual(['peer 3: REPLACED']);
    expect(links.get(address(100).peerId)).toBeDefined();
    expect(links.counts.known).toBe(MAX_LINKS);
  });

  it('are opened to a waiting peer when a working link ends', async () => {
    const links = await full();
    for (let number = 0; number < MAX_LINKS; number++) send(number);
    links.update({ snapshot: false, upserted: [address(100)], removed: [address(3).peerId] });
    expect(links.get(address(100).peerId)).toBeUndefined();
    const error = new EnjambreError('unavailable', 'GONE', 'the peer is gone');
    peer(3).leave(error);
    links.review();
    expect(links.get(address(100).peerId)).toBeDefined();
    expect(links.get(address(3).peerId)).toBeUndefined();
  });

  it('are not opened to a waiting peer that is no longer listed', async () => {
    const links = await full();
    links.update({ snapshot: false, upserted: [address(100), address(101)], removed: [] });
    links.update({ snapshot: false, upserted: [], removed: [address(100).peerId, address(3).peerId] });
    expect(links.get(address(100).peerId)).toBeUndefined();
    expect(links.get(address(101).peerId)).toBeDefined();
  });

  it('have at most as many waiting peers as the tracker lists at a time', async () => {
    const links = await full();
    const others = Array.from({ length: 2 * WIDE_WATCH_PEERS }, (_, number) => address(100 + number));
    links.update({ snapshot: false, upserted: others, removed: [] });
    const all = Array.from({ length: MAX_LINKS }, (_, number) => address(number).peerId);
    links.update({ snapshot: false, upserted: [], removed: all });
    const used = others.filter(({ peerId }) => links.get(peerId));
    expect(used).toHaveLength(MAX_LINKS);
    expect(others.slice(-WIDE_WATCH_PEERS)).toEqual(expect.arrayContaining(used));
  });

  it('are not replaced while they work: a restarted tracker may list other peers than before', async () => {
    const working = await full();
    for (let number = 0; number < MAX_LINKS - 1; number++) send(number);
    const others = Array.from({ length: MAX_LINKS }, (_, number) => address(100 + number));
    working.update({ snapshot: true, upserted: others, removed: [] });
    expect(swarm.closed).toEqual([`peer ${MAX_LINKS - 1}: REPLACED`]);
    expect(working.counts.known).toBe(MAX_LINKS);
  });
});

describe('peers that do not answer', () => {
  /** Lists `named` peers, of which the first `silent` do not answer. */
  async function crowd(named: number, silent: number): Promise<SwarmLinks> {
    for (let number = 0; number < silent; number++) peer(number).isSilent = true;
    const links = make();
    links.update({ snapshot: true, upserted: addresses(named), removed: [] });
    await later(links, 0);
    return links;
  }

  async function later(links: SwarmLinks, ms: number): Promise<void> {
    nowMs += ms;
    links.review();
    await Promise.resolve();
  }

  it('do not block others for longer than half a second', async () => {
    const links = await crowd(60, MAX_LINKS);
    expect(links.counts).toEqual({ known: MAX_LINKS, ready: 0 });
    await later(links, 500);
    expect(links.counts).toEqual({ known: 60, ready: 10 });
    expect(swarm.closed).toEqual([]);
  });

  it('take at most as many extra places as there may be links; then the oldest gives way to a new peer', async () => {
    const links = await crowd(MAX_LINKS, MAX_LINKS);
    await later(links, 500);
    for (let number = 0; number < MAX_LINKS; number++) peer(100 + number).isSilent = true;
    links.update({ snapshot: false, upserted: addresses(MAX_LINKS, 100), removed: [] });
    await later(links, 500);
    expect(links.counts).toEqual({ known: 2 * MAX_LINKS, ready: 0 });
    links.update({ snapshot: false, upserted: addresses(3, 200), removed: [] });
    await later(links, 0);
    expect(links.counts).toEqual({ known: 2 * MAX_LINKS, ready: 3 });
    expect(swarm.closed).toEqual([0, 1, 2].map((number) => `peer ${number}: REPLACED`));
  });

  it('are retried after untried peers, ten seconds later at the earliest', async () => {
    const links = await crowd(2 * MAX_LINKS, 2 * MAX_LINKS);
    await later(links, 500);
    await later(links, 500);
    links.update({ snapshot: false, upserted: addresses(1, 200), removed: [] });
    expect(links.get(address(0).peerId)).toBeUndefined();
    await later(links, 9000);
    expect(links.get(address(0).peerId)).toBeUndefined();
    await later(links, 1000);
    expect(links.get(address(0).peerId)).toBeDefined();
  });

  it('cause periodic requests for other peers if they are most of those that the tracker lists', async () => {
    const links = await crowd(MAX_LINKS, MAX_LINKS / 2);
    await later(links, 400);
    expect(widened).toBe(0);
    await later(links, 100);
    await later(links, 29_000);
    expect(widened).toBe(1);
    await later(links, 1000);
    expect(widened).toBe(2);
  });

  it('cause no such request if few peers are listed: there are no others', async () => {
    const links = await crowd(MAX_LINKS - 1, MAX_LINKS - 1);
    await later(links, 60_000);
    expect(widened).toBe(0);
  });
});

describe('peers that connect and send no data', () => {
  const place = { piece: 0, begin: 0, length: 1 };

  it('give way to others after ten seconds with open requests, if no peer sends', async () => {
    const links = await full();
    links.update({ snapshot: false, upserted: [address(100)], removed: [] });
    links.request(address(3).peerId, 1, place);
    nowMs += 9999;
    links.review();
    expect([widened, swarm.closed]).toEqual([0, []]);
    nowMs += 1;
    links.review();
    expect([widened, swarm.closed]).toEqual([0, ['peer 3: REPLACED']]);
    expect(links.get(address(100).peerId)).toBeDefined();
  });

  it('cause a request for other peers then, if no others are listed', async () => {
    const links = await full();
    links.request(address(3).peerId, 1, place);
    nowMs += 10_000;
    links.review();
    expect([widened, swarm.closed]).toEqual([1, []]);
  });

  it('are kept while another peer sends, which can take over their requests', async () => {
    const links = await full();
    links.update({ snapshot: false, upserted: [address(100)], removed: [] });
    links.request(address(3).peerId, 1, place);
    nowMs += 9000;
    send(4);
    nowMs += 1000;
    links.review();
    expect([widened, swarm.closed]).toEqual([0, []]);
  });

  it('give way one by one to those that wait, if they have given nothing for half a minute', async () => {
    const links = await full();
    const pass = async (ms: number): Promise<number> => {
      nowMs += ms;
      for (let number = 3; number < MAX_LINKS; number++) send(number);
      links.review();
      await Promise.resolve();
      return swarm.closed.length;
    };
    links.update({ snapshot: false, upserted: addresses(3, 100), removed: [] });
    expect([await pass(29_000), await pass(1000), await pass(9000), await pass(1000)]).toEqual([0, 1, 1, 2]);
    expect(swarm.closed).toEqual(['peer 0: REPLACED', 'peer 1: REPLACED']);
    expect(links.counts.ready).toBe(MAX_LINKS);
  });

  it('are kept if no others wait', async () => {
    const links = await full();
    links.request(address(3).peerId, 1, place);
    peer(3).reject(1, 'choked');
    nowMs += 60_000;
    links.review();
    expect([widened, swarm.closed]).toEqual([0, []]);
  });
});
