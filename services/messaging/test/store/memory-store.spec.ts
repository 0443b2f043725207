import { describe } from '@jest/globals';
import { MemoryStore } from '../../src/adapters/memory/memory-store.js';
import { messageStoreContract } from './contract.js';

describe('memory', () => {
  messageStoreContract((maxBytes) =>
    Promise.resolve(
      new MemoryStore({
        maxAgeMs: 3_600_000,
        maxBytes,
        maxMessages: 10_000,
        clock: () => 1_700_000_000_000,
      }),
    ),
  );
});
