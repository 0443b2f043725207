import { describe } from '@jest/globals';
import { MemoryStore } from '../../src/adapters/memory/memory-store.js';
import { messageStoreContract } from './contract.js';

describe('memory', () => {
  messageStoreContract(() =>
    Promise.resolve(
      new MemoryStore({
        maxAgeMs: 3_600_000,
        maxBytes: 1 << 26,
        maxMessages: 10_000,
        clock: () => 1_700_000_000_000,
      }),
    ),
  );
});
