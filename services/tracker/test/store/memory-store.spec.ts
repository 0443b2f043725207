import { describe } from '@jest/globals';
import { MemoryNetwork, MemoryStore } from '../../src/adapters/memory/memory-store.js';
import { trackerStoreContract } from './contract.js';

describe('in memory', () => {
  trackerStoreContract(() => {
    const network = new MemoryNetwork();
    return Promise.resolve((id) => new MemoryStore(id, network));
  });
});
