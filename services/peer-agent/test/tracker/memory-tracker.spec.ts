import { describe } from '@jest/globals';
import { trackerPortContract } from './contract.js';
import { memorySite } from './memory-site.js';

describe('in memory', () => {
  trackerPortContract(() => Promise.resolve(memorySite()));
});
