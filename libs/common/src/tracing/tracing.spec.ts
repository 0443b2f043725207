import { afterEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { inSpan, isTraceparent, isTracing, logIds, startSpan, traceWith } from './tracing.js';
import { RecordingTracer } from '@enjambre/harness/recording-tracer';

afterEach(() => traceWith(undefined));

const hex = (digits: number): fc.Arbitrary<string> =>
  fc.bigInt({ min: 1n, max: 16n ** BigInt(digits) - 1n }).map((id) => id.toString(16).padStart(digits, '0'));

test('every traceparent of version 00 is valid', () => {
  fc.assert(
    fc.property(hex(32), hex(16), fc.constantFrom('00', '01', 'ff'), (trace, span, flags) => {
      expect(isTraceparent(`00-${trace}-${span}-${flags}`)).toBe(true);
    }),
  );
});

test('other text, other lengths and ids of zeros are invalid', () => {
  const id = 'a'.repeat(32);
  fc.assert(fc.property(fc.string(), (text) => expect(isTraceparent(text)).toBe(false)));
  for (const text of [
    undefined,
    Buffer.from('x'),
    `00-${id}-${'b'.repeat(16)}`,
    `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
    `00-${id}-${'0'.repeat(16)}-01`,
    `00-${id}-${'B'.repeat(16)}-01`,
    `00-${id}-${'b'.repeat(16)}-01-more`,
    `00-${id}-${'b'.repeat(16)}-01\n`,
  ])
    expect(isTraceparent(text)).toBe(false);
});

test('without a tracer work still runs, and log lines name no trace', async () => {
  expect([isTracing(), startSpan('work'), logIds()]).toEqual([false, undefined, {}]);
  expect(await inSpan('work', {}, () => Promise.resolve(5))).toBe(5);
});

test('a span ends with its work, and records a failure', async () => {
  const tracer = new RecordingTracer();
  traceWith(tracer);
  await inSpan('good', {}, () => Promise.resolve());
  const failure = new Error('no');
  await expect(inSpan('bad', {}, () => Promise.reject(failure))).rejects.toBe(failure);
  expect(tracer.spans).toMatchObject([
    { name: 'good', ended: true, error: undefined },
    { name: 'bad', ended: true, error: failure },
  ]);
});
