import { afterAll, beforeAll, describe } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { NatsServer } from '@enjambre/common/testing/nats-server';
import { connect } from 'nats';
import { JetStreamStore } from '../../src/adapters/jetstream/jetstream-store.js';
import { BUCKET, STREAM } from '../../src/adapters/jetstream/names.js';
import { messageStoreContract } from './contract.js';

const log = createLogger({ name: 'messaging', level: 'silent' });

describe('JetStream', () => {
  let nats: NatsServer;

  beforeAll(async () => {
    nats = await NatsServer.start();
  });

  afterAll(() => nats.stop());

  messageStoreContract(async () => {
    await emptied(nats.url);
    const store = open(nats.url);
    await store.start();
    return store;
  });
});

function open(url: string): JetStreamStore {
  const options = { maxAgeMs: 3_600_000, maxBytes: 1 << 26, duplicateWindowMs: 600_000 };
  return new JetStreamStore(log, { url, name: 'test', ...options });
}

async function emptied(url: string): Promise<void> {
  const connection = await connect({ servers: url });
  const { streams } = await connection.jetstreamManager();
  for (const name of [STREAM, `KV_${BUCKET}`]) await streams.delete(name).catch(() => undefined);
  await connection.close();
}
