import { describe, expect, it } from '@jest/globals';
import { peerNamed } from '../../../test/support/ids.js';
import { searchText, type SearchState } from './metainfo-text.js';

const at = (number: number) => ({
  peer: peerNamed(String(number)),
  askedMs: 100 * number,
  silent: false,
  done: 0,
});
const endpoints = new Map([1, 2, 3, 4].map((number) => [peerNamed(String(number)), `10.0.0.${number}:7072`]));

function text(state: Partial<SearchState>): string {
  const endpointOf: SearchState['endpointOf'] = (peer) => endpoints.get(peer) ?? '';
  return searchText({ isTold: true, known: 4, answers: [], endpointOf, lastFailure: '', ...state });
}

describe('searchText', () => {
  it.each<[string, Partial<SearchState>]>([
    ['waiting for peers from the tracker', { isTold: false, known: 0 }],
    ['no known peer has it yet', { known: 0 }],
    [
      'no known peer has it; bob at 10.0.0.3:7072 is gone',
      { known: 0, lastFailure: 'bob at 10.0.0.3:7072 is gone' },
    ],
    ['asking 1 peer for the metainfo', { answers: [at(1)] }],
    ['asking 2 peers for the metainfo; bob is gone', { answers: [at(1), at(2)], lastFailure: 'bob is gone' }],
    [
      'asking 4 peers for the metainfo; 10.0.0.3:7072 does not answer',
      { answers: [at(1), at(2), { ...at(3), silent: true }, at(4)], lastFailure: 'bob is gone' },
    ],
    [
      'asking 3 peers for the metainfo; 10.0.0.3:7072 and 10.0.0.2:7072 do not answer',
      { answers: [at(1), { ...at(2), silent: true }, { ...at(3), silent: true }] },
    ],
    [
      'asking 3 peers for the metainfo; 10.0.0.3:7072 and 2 others do not answer',
      { answers: [1, 2, 3].map((number) => ({ ...at(number), silent: true })) },
    ],
    [
      'asking 2 peers for the metainfo; 42% received from 10.0.0.2:7072',
      {
        answers: [
          { ...at(1), done: 0.1 },
          { ...at(2), done: 0.429 },
        ],
      },
    ],
    ['bob is gone; asking again soon', { lastFailure: 'bob is gone' }],
  ])('%s', (expected, state) => {
    expect(text(state)).toBe(expected);
  });
});
