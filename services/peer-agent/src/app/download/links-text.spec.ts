import { describe, expect, it } from '@jest/globals';
import { linksText, stallText } from './links-text.js';

const NOW = 100_000;
const base = { ready: true, dialed: true, sinceMs: 0, askedMs: undefined, heardMs: -Infinity };
let number = 0;
const link = (state: Partial<Omit<typeof base, 'askedMs'> & { askedMs: number }>) => ({
  ...base,
  address: { endpoint: `10.0.0.${(number = (number % 9) + 1)}:7072` },
  ...state,
});
const silent = (): ReturnType<typeof link> => link({ ready: false });

describe('linksText', () => {
  it.each([
    ['', [link({}), silent()], ''],
    ['', [link({ askedMs: NOW - 2000 })], ''],
    ['', [link({ askedMs: NOW - 9000, heardMs: NOW - 2000 })], ''],
    ['', [link({ askedMs: NOW - 9000 }), link({ heardMs: NOW - 2000 })], ''],
    ['no data received for 9s (1 peer asked)', [link({ askedMs: NOW - 9000 }), link({})], ''],
    [
      'no data received for 4s (2 peers asked)',
      [link({ askedMs: NOW - 9000, heardMs: NOW - 4500 }), link({ askedMs: NOW - 1000 })],
      '',
    ],
    ['connecting to peers', [link({ ready: false, sinceMs: NOW - 100 })], ''],
    ['no peer answers (bob is gone)', [silent()], 'bob is gone'],
  ])('%s', (text, links, problem) => {
    expect(linksText(links, NOW, problem)).toBe(text);
  });

  it('names the peers that do not answer', () => {
    number = 0;
    expect(linksText([silent()], NOW, '')).toBe('no peer answers (connecting to 10.0.0.1:7072)');
    expect(linksText([silent(), silent(), silent()], NOW, '')).toBe(
      'no peer answers (connecting to 10.0.0.2:7072 and 2 others)',
    );
  });
});

it.each([
  ['', 'disk', 2900],
  ['waiting for the disk', 'disk', 3000],
  ['no connected peer has the missing pieces', 'no-source', 60_000],
  ['waiting for the uploaders', 'uploaders', 3000],
  ['', 'own-limit', 60_000],
] as const)('stallText: %j after a stall by %s of %d ms', (text, cause, ms) => {
  expect(stallText({ cause, sinceMs: NOW - ms }, NOW)).toBe(text);
});
