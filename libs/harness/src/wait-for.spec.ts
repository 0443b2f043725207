import { expect, test } from '@jest/globals';
import { waitFor } from './wait-for.js';

const soon = { what: 'the bus', timeoutMs: 60, everyMs: 5 };

test('a wait that fails says what was waited for, and what there was instead', async () => {
  await expect(waitFor(() => false, { ...soon, seen: () => ({ buses: 0 }) })).rejects.toThrow(
    'waited 60 ms in vain for the bus; last seen: { buses: 0 }',
  );
});

test('an error ends a wait, unless it may be asked again: then the last one is told', async () => {
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
    message: `waited 60 ms in vain for the bus; the last error: refused ${asked}`,
    cause: { message: `refused ${asked}` },
  });
  expect(
    await waitFor(() => (asked++ < 10 ? fail() : asked), { ...soon, retryErrors: true, timeoutMs: 20_000 }),
  ).toBeGreaterThan(10);
});

test('an error that is over is not told', async () => {
  const answers = [() => Promise.reject(new Error('refused')), () => Promise.resolve(false as const)];
  await expect(
    waitFor(() => (answers.length > 1 ? answers.shift() : answers[0])?.(), { ...soon, retryErrors: true }),
  ).rejects.toThrow(/^waited 60 ms in vain for the bus$/);
});

test('an answer that never comes is not awaited for ever', async () => {
  const never = new Promise<boolean>(() => undefined);
  await expect(waitFor(() => never, soon)).rejects.toThrow(
    'waited 60 ms in vain for the bus; the last error: no answer came before the time was up',
  );
});

test('time in which the process stood still does not count', async () => {
  let isThere = false;
  setTimeout(() => {
    for (const endMs = performance.now() + 1300; performance.now() < endMs;);
    setTimeout(() => (isThere = true), 100);
  }, 10);
  await waitFor(() => isThere, { what: 'the bus', timeoutMs: 1000, everyMs: 5 });
});
