import { expect, test } from '@jest/globals';
import { waitFor } from './wait-for.js';

const soon = { what: 'the bus', timeoutMs: 60, everyMs: 5 };

test('a failed wait names its condition and the last state', async () => {
  await expect(waitFor(() => false, { ...soon, seen: () => ({ buses: 0 }) })).rejects.toThrow(
    'timed out after 60 ms waiting for the bus; last seen: { buses: 0 }',
  );
});

test('an error ends a wait, unless errors are retried: then the last one is reported', async () => {
  let asked = 0;
  const fail = (): never => {
    asked += 1;
    throw new Error(`refused ${asked}`);
  };
  await expect(waitFor(fail, soon)).rejects.toThrow('refused 1');
  const error: unknown = await waitFor(fail, { ...soon, retryErrors: true }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({
    message: `timed out after 60 ms waiting for the bus; the last error: refused ${asked}`,
    cause: { message: `refused ${asked}` },
  });
  expect(
    await waitFor(() => (asked++ < 10 ? fail() : asked), { ...soon, retryErrors: true, timeoutMs: 20_000 }),
  ).toBeGreaterThan(10);
});

test('an error before a later answer is not reported', async () => {
  const answers = [() => Promise.reject(new Error('refused')), () => Promise.resolve(false as const)];
  await expect(
    waitFor(() => (answers.length > 1 ? answers.shift() : answers[0])?.(), { ...soon, retryErrors: true }),
  ).rejects.toThrow(/^timed out after 60 ms waiting for the bus$/);
});

test('an answer that never comes does not block a wait forever', async () => {
  const never = new Promise<boolean>(() => undefined);
  await expect(waitFor(() => never, soon)).rejects.toThrow(
    'timed out after 60 ms waiting for the bus; the last error: no answer arrived before the timeout',
  );
});

test('time in which the process was stalled does not count', async () => {
  let isThere = false;
  setTimeout(() => {
    for (const endMs = performance.now() + 1300; performance.now() < endMs;);
    setTimeout(() => (isThere = true), 100);
  }, 10);
  await waitFor(() => isThere, { what: 'the bus', timeoutMs: 1000, everyMs: 5 });
});
