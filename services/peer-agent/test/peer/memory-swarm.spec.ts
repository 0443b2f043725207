import { describe } from '@jest/globals';
import { peerConnectorContract } from './contract.js';
import { memorySite } from './memory-site.js';

describe('in memory', () => {
  peerConnectorContract(() => Promise.resolve(memorySite()));
});
