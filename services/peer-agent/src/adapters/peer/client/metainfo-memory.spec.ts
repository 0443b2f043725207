import { expect, it } from '@jest/globals';
import { MetainfoMemory } from './metainfo-memory.js';

it('is shared by all fetches, and refuses more than its capacity until some is released', () => {
  const memory = new MetainfoMemory(100);
  memory.take(60);
  memory.take(40);
  const refusal = expect.objectContaining({
    code: 'exhausted',
    reason: 'METAINFO_MEMORY',
  }) as unknown as Error;
  expect(() => {
    memory.take(1);
  }).toThrow(refusal);
  memory.release(60);
  memory.take(60);
});
