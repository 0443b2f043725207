import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { NatsLink } from '@enjambre/common/nats/nats-link';
import { NatsServer } from '@enjambre/harness/nats-server';
import { TokenBucket, TOKENS_BUCKET } from '../../src/adapters/certificates/token-bucket.js';

jest.setTimeout(60_000);

const log = createLogger({ name: 'test', level: 'silent' });

let nats: NatsServer;
let links: NatsLink[];
let buckets: TokenBucket[];

beforeAll(async () => {
  nats = await NatsServer.start();
  links = ['a', 'b'].map((name) => new NatsLink({ log }, { url: nats.url, name }));
  for (const link of links) await link.start();
  buckets = links.map((link) => new TokenBucket({ link }, { replicas: 'auto' }));
});

afterAll(async () => {
  for (const link of links) await link.stop();
  await nats.stop();
});

const token = (id: string, uses: number) => ({ id: id.repeat(32), uses, expiresAt: 1000 });

/** How many of `count` peers get in, through both trackers at once. */
async function admitted(uses: number, count: number): Promise<number> {
  const said = token(String(uses), uses);
  const useOf = async (at: number): Promise<boolean> => {
    try {
      await buckets[at % 2]?.use(said, `peer ${at}`, 0);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'denied', reason: 'JOIN_TOKEN_REFUSED' });
      return false;
    }
  };
  const all = await Promise.all(Array.from({ length: count }, (_, at) => useOf(at)));
  return all.filter(Boolean).length;
}

describe('the uses of a join token, with several trackers on one NATS', () => {
  test('are as many as it allows, however many ask at once', async () => {
    expect(await admitted(1, 10)).toBe(1);
    expect(await admitted(4, 20)).toBe(4);
  });

  test('count once for a peer that asks again, also of another tracker', async () => {
    const [one, other] = buckets;
    await one?.use(token('a', 1), 'peer', 0);
    await other?.use(token('a', 1), 'peer', 0);
    await expect(other?.use(token('a', 1), 'another', 0)).rejects.toThrow('was used already');
  });

  test('are forgotten when the token has expired', async () => {
    const day = 24 * 3_600_000;
    await buckets[0]?.use({ ...token('c', 1), expiresAt: 2 * day }, 'peer', 0);
    await buckets[0]?.use({ ...token('d', 1), expiresAt: 9 * day }, 'peer', 3 * day);
    const kv = await links[0]?.connection.jetstream().views.kv(TOKENS_BUCKET);
    const keys: string[] = [];
    for await (const key of (await kv?.keys()) ?? []) keys.push(key);
    expect(keys).toEqual(['d'.repeat(32)]);
  });

  test('are refused while NATS is away, and not counted', async () => {
    await nats.kill();
    await expect(buckets[0]?.use(token('b', 1), 'peer', 0)).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'CA_UNAVAILABLE',
    });
    await nats.restart();
  });
});
