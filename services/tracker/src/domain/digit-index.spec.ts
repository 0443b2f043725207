import { expect, test } from '@jest/globals';
import { DigitIndex } from './digit-index.js';

const row = (id: string): { id: string } => ({ id: id.padEnd(64, '0') });

test('finds rows by the beginning of their ids, and no longer once they are deleted', () => {
  const index = new DigitIndex();
  const rows = ['deadbeef1', 'deadbeef2', 'deadbeef22', 'ffffffff'].map(row);
  for (const one of rows) index.add(one);
  const found = (digits: string, most = 10): number[] =>
    index.find(digits, most).map((one) => rows.indexOf(one));
  expect(found('deadbeef')).toEqual([0, 1, 2]);
  expect(found('deadbeef2')).toEqual([1, 2]);
  expect(found('deadbeef', 2)).toEqual([0, 1]);
  expect(found('ffffffff')).toEqual([3]);
  expect(found('00000000')).toEqual([]);
  for (const one of rows) index.delete(one);
  expect([found('deadbeef'), found('ffffffff')]).toEqual([[], []]);
});
