import { expect, test } from '@jest/globals';
import { Metrics, type Sample } from './metrics.js';

/** The lines of one family, without its description. */
async function linesOf(metrics: Metrics, name: string): Promise<string[]> {
  return (await metrics.page()).split('\n').filter((line) => line.startsWith(name));
}

test('a number is read again for each page', async () => {
  const metrics = new Metrics();
  let count = 1;
  metrics.counter({ name: 'things_total', help: 'Things.' }, () => count);
  expect(await linesOf(metrics, 'things_total')).toEqual(['things_total 1']);
  count = 5;
  expect(await linesOf(metrics, 'things_total')).toEqual(['things_total 5']);
});

test('labels that disappear also leave the page', async () => {
  const metrics = new Metrics();
  let samples: Sample[] = [
    [{ state: 'new' }, 2],
    [{ state: 'old' }, 3],
  ];
  metrics.gauge({ name: 'things', help: 'Things.', labels: ['state'] }, () => samples);
  expect(await linesOf(metrics, 'things')).toEqual(['things{state="new"} 2', 'things{state="old"} 3']);
  samples = [[{ state: 'new' }, 1]];
  expect(await linesOf(metrics, 'things')).toEqual(['things{state="new"} 1']);
});

test('two services of one process share a family, and the same labels are summed', async () => {
  const metrics = new Metrics();
  const family = { name: 'calls_total', help: 'Calls.', labels: ['method'] };
  metrics.counter(family, () => [[{ method: 'Get' }, 2]]);
  metrics.counter(family, () => [
    [{ method: 'Get' }, 3],
    [{ method: 'List' }, 1],
  ]);
  expect(await linesOf(metrics, 'calls_total')).toEqual([
    'calls_total{method="Get"} 5',
    'calls_total{method="List"} 1',
  ]);
});

test('a histogram counts what is observed, wherever it was obtained', async () => {
  const metrics = new Metrics();
  const family = { name: 'wait_seconds', help: 'Waits.', buckets: [1, 2] };
  metrics.histogram(family).observe({}, 0.5);
  metrics.histogram(family).observe({}, 1.5);
  expect(await linesOf(metrics, 'wait_seconds')).toEqual([
    'wait_seconds_bucket{le="1"} 1',
    'wait_seconds_bucket{le="2"} 2',
    'wait_seconds_bucket{le="+Inf"} 2',
    'wait_seconds_sum 2',
    'wait_seconds_count 2',
  ]);
});
