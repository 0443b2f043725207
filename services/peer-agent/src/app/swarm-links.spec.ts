import { afterEach, describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import { peerNamed, infoHash } from '../../test/support/ids.js';
import { MAX_LINKS } from '../domain/swarm-constants.js';
import type { LinkListener, PeerAddress, PeerConnector, PeerLink } from './ports.js';
import { SwarmLinks, type SwarmHandler } from './swarm-links.js';

/** Links that are ready at once, and remember why they were closed. */
class FakeConnector implements Pick<PeerConnector, 'open'> {
  readonly closed: string[] = [];
  readonly listeners = new Map<string, LinkListener>();

  open({ name }: PeerAddress, _what: unknown, listener: LinkListener): PeerLink {
    this.listeners.set(name, listener);
    queueMicrotask(() => {
      listener.ready(Bitfield.empty(1));
    });
    const nothing = (): undefined => undefined;
    return {
      request: nothing,
      requestAny: nothing,
      cancel: nothing,
      pace: nothing,
      have: nothing,
      close: (reason) => this.closed.push(`${name}: ${reason}`),
    };
  }
}

const connector = new FakeConnector();
const ignored = new Proxy({} as SwarmHandler, { get: () => () => undefined });
let links: SwarmLinks | undefined;

afterEach(() => {
  links?.close('STOPPING', 'the test is over');
  connector.closed.length = 0;
});

function address(number: number): PeerAddress {
  const name = `peer ${number}`;
  return { peerId: peerNamed(name), name, endpoint: `10.0.0.1:${number}`, seeder: true };
}

/** As many links as there may be, all of them standing. */
async function full(): Promise<SwarmLinks> {
  const parts = { infohash: infoHash('aa'), pieceCount: 1, have: Bitfield.empty(1), isBanned: () => false };
  links = new SwarmLinks({ ...parts, connector: connector as unknown as PeerConnector }, ignored);
  const all = Array.from({ length: MAX_LINKS }, (_, number) => address(number));
  links.update({ snapshot: true, upserted: all, removed: [] });
  await Promise.resolve();
  expect(links.counts).toEqual({ known: MAX_LINKS, ready: MAX_LINKS });
  return links;
}

describe('links to a swarm', () => {
  it('are kept when the tracker takes their peers back', async () => {
    const kept = await full();
    kept.update({ snapshot: false, upserted: [], removed: [address(3).peerId] });
    expect(kept.counts.ready).toBe(MAX_LINKS);
    expect(connector.closed).toEqual([]);
  });

  it('make room for a new peer, when there are as many as there may be, if their own was taken back', async () => {
    const replaced = await full();
    replaced.update({ snapshot: false, upserted: [address(100)], removed: [address(3).peerId] });
    expect(connector.closed).toEqual(['peer 3: REPLACED']);
    expect(replaced.get(address(3).peerId)).toBeUndefined();
    expect(replaced.get(address(100).peerId)).toBeDefined();
    expect(replaced.counts.known).toBe(MAX_LINKS);
  });

  it('are no more than that if the tracker still names all of them', async () => {
    const links = await full();
    links.update({ snapshot: false, upserted: [address(100)], removed: [] });
    expect(links.get(address(100).peerId)).toBeUndefined();
    expect(connector.closed).toEqual([]);
  });

  it('turn to a peer for whom there was no room as soon as there is', async () => {
    const links = await full();
    links.update({ snapshot: false, upserted: [address(100)], removed: [] });
    links.update({ snapshot: false, upserted: [], removed: [address(3).peerId] });
    expect(connector.closed).toEqual(['peer 3: REPLACED']);
    expect(links.get(address(100).peerId)).toBeDefined();
    expect(links.counts.known).toBe(MAX_LINKS);
  });

  it('turn to it later if a link that works ends', async () => {
    const links = await full();
    const listener = connector.listeners.get('peer 3');
    for (const each of connector.listeners.values()) each.block(1, { piece: 0, begin: 0 }, Buffer.alloc(1));
    links.update({ snapshot: false, upserted: [address(100)], removed: [address(3).peerId] });
    expect(links.get(address(100).peerId)).toBeUndefined();
    listener?.closed(new EnjambreError('unavailable', 'GONE', 'the peer is gone'));
    links.review();
    expect(links.get(address(100).peerId)).toBeDefined();
    expect(links.get(address(3).peerId)).toBeUndefined();
  });

  it('do not turn to one that the tracker has taken back meanwhile', async () => {
    const links = await full();
    links.update({ snapshot: false, upserted: [address(100), address(101)], removed: [] });
    links.update({ snapshot: false, upserted: [], removed: [address(100).peerId, address(3).peerId] });
    expect(links.get(address(100).peerId)).toBeUndefined();
    expect(links.get(address(101).peerId)).toBeDefined();
  });

  it('remember no more peers without room than there may be links', async () => {
    const links = await full();
    const others = Array.from({ length: 3 * MAX_LINKS }, (_, number) => address(100 + number));
    links.update({ snapshot: false, upserted: others, removed: [] });
    const all = Array.from({ length: MAX_LINKS }, (_, number) => address(number).peerId);
    links.update({ snapshot: false, upserted: [], removed: all });
    const used = others.filter(({ peerId }) => links.get(peerId));
    expect(used).toEqual(others.slice(-MAX_LINKS));
  });

  it('are not ended for others if they work: a tracker that was restarted names others than before', async () => {
    const working = await full();
    for (let number = 0; number < MAX_LINKS - 1; number++)
      connector.listeners.get(`peer ${number}`)?.block(1, { piece: 0, begin: 0 }, Buffer.alloc(1));
    const others = Array.from({ length: MAX_LINKS }, (_, number) => address(100 + number));
    working.update({ snapshot: true, upserted: others, removed: [] });
    expect(connector.closed).toEqual([`peer ${MAX_LINKS - 1}: REPLACED`]);
    expect(working.counts.known).toBe(MAX_LINKS);
  });
});
