import { describe, expect, it } from '@jest/globals';
import { parsePeerId } from '@enjambre/core/ids';
import { lineOf } from './console.js';

const alice = { id: parsePeerId('a'.repeat(64)), name: 'alice' };
const sent = { type: 'message.sent', sender: alice, messageId: '1', targetName: 'bob' } as const;

describe('a line of the console', () => {
  it('says who wrote what to whom', () => {
    expect(lineOf({ ...sent, target: 'peer:x', preview: 'hello' })).toBe(
      'message: alice (aaaaaaaa) → bob: hello',
    );
    expect(lineOf({ ...sent, target: 'room:bob', preview: 'hello' })).toContain('→ room bob: hello');
    expect(lineOf({ type: 'message.delivered', sender: alice, messageId: '1', receiver: alice })).toBe(
      'message delivered: 1 of alice (aaaaaaaa) to alice (aaaaaaaa)',
    );
  });

  it('lets nothing act on a terminal', () => {
    const line = lineOf({ ...sent, target: 'peer:x', preview: 'a\u001b[2J\nb\u202e\u2028' });
    expect(line).toMatch(/a\\u\{1b\}\[2J\\u\{a\}b\\u\{202e\}\\u\{2028\}$/);
  });
});
