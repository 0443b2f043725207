import { describe, expect, test } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import type { JetStream } from './jetstream-access.js';
import { StreamRoom } from './stream-room.js';

/** A stream of 1000 bytes; `waiting` of them cannot be freed. */
function fake() {
  const stream = { bytes: 1000, waiting: 990, asked: 0 };
  const info = (): Promise<unknown> => {
    stream.asked += 1;
    const state = { bytes: stream.bytes, first_seq: 1, last_seq: 100 };
    return Promise.resolve({ state, config: { max_bytes: 1000 } });
  };
  const purge = (): Promise<void> => {
    stream.asked += 1;
    stream.bytes = stream.waiting;
    return Promise.resolve();
  };
  const list = (): unknown[] => [];
  const jetStream = { jsm: { streams: { info, purge }, consumers: { list } } } as unknown as JetStream;
  return { stream, jetStream };
}

describe('the room in a stream', () => {
  test('a full one is not looked at again for seconds; what still fits is stored', async () => {
    let now = 0;
    const { stream, jetStream } = fake();
    const room = new StreamRoom(createLogger({ name: 'messaging', level: 'silent' }), () => now);
    const reserve = (bytes: number): Promise<void> => room.reserve(jetStream, bytes);
    await expect(reserve(50)).rejects.toMatchObject({ reason: 'STORE_FULL' });
    const { asked } = stream;
    stream.waiting = 0;
    now = 2999;
    await expect(Promise.all([reserve(50), reserve(50)])).rejects.toMatchObject({ reason: 'STORE_FULL' });
    await reserve(10);
    expect(stream.asked).toBe(asked);
    now = 3000;
    await reserve(50);
    expect(stream.asked).toBeGreaterThan(asked);
  });
});
