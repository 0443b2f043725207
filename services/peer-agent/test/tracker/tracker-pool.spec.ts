import { dialer } from '@enjambre/harness/dialer';
import { describe, expect, it } from '@jest/globals';
import { TrackerPool, type ResolveHost } from '../../src/adapters/tracker/tracker-pool.js';

const three = ['10.0.0.1:7070', '10.0.0.2:7070', '10.0.0.3:7070'];

/** All trackers of a pool, in order. */
function orderOf(pool: TrackerPool): string[] {
  const order = [...pool.inTurn()].map(({ address }) => address);
  pool.close();
  return order;
}

const pool = (addresses: readonly string[], key = 'a', resolve?: ResolveHost): TrackerPool =>
  new TrackerPool(dialer, { addresses, key, ...(resolve && { resolve }) });

describe('TrackerPool', () => {
  it('has all trackers, always in the same order for one agent', () => {
    const order = orderOf(pool(three));
    expect([...order].sort()).toEqual(three);
    expect(orderOf(pool([...three].reverse()))).toEqual(order);
  });

  it('spreads agents over the trackers', () => {
    const first = Array.from({ length: 300 }, (_, index) => orderOf(pool(three, `agent ${index}`))[0]!);
    for (const address of three) {
      const share = first.filter((other) => other === address).length;
      expect(share).toBeGreaterThan(60);
      expect(share).toBeLessThan(140);
    }
  });

  it('advances from one to the next, and starts again after the last', () => {
    const several = pool(three);
    const seen = three.map(() => {
      const { address } = several;
      several.advance();
      return address;
    });
    expect([...seen].sort()).toEqual(three);
    expect(several.address).toBe(seen[0]);
    several.close();
  });

  it('uses all addresses of a name', async () => {
    const named = pool(['tracker.internal:7070'], 'a', () =>
      Promise.resolve(['10.0.0.1', '10.0.0.2', 'fd00::3']),
    );
    await named.refresh();
    const order = orderOf(named);
    expect(order).toContain(named.address);
    expect([...order].sort()).toEqual(['10.0.0.1:7070', '10.0.0.2:7070', '[fd00::3]:7070']);
  });

  it.each<[string, string[]]>([
    ['has one address', ['10.0.0.1']],
    ['is this machine', ['127.0.0.1', '::1']],
    ['is not known', []],
  ])('keeps a name that %s', async (_, addresses) => {
    const resolve = (): Promise<string[]> =>
      addresses.length === 0 ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(addresses);
    const named = pool(['tracker.internal:7070'], 'a', resolve);
    await named.refresh();
    expect(orderOf(named)).toEqual(['tracker.internal:7070']);
  });

  it('does not resolve an address', async () => {
    const asked: string[] = [];
    const several = pool([...three, '[fd00::1]:7070'], 'a', (host) => {
      asked.push(host);
      return Promise.resolve([]);
    });
    await several.refresh();
    expect(asked).toEqual([]);
    several.close();
  });
});
