import { Metadata } from '@grpc/grpc-js';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import type { CallContext } from '@enjambre/rpc/handlers';
import { VirtualClock } from '@enjambre/harness/virtual-clock';
import { TokenCheck } from './token-check.js';

let clock: VirtualClock;
let check: TokenCheck;
let logged: unknown[][];

beforeEach(() => {
  clock = new VirtualClock();
  logged = [];
  const log = createLogger({ name: 'test', level: 'silent' });
  log.warn = (...args: unknown[]) => void logged.push(args);
  check = new TokenCheck({ clock, log }, 'secret');
});

function call(token?: string, signal = new AbortController().signal): CallContext {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', token);
  return { metadata, peer: '10.0.0.7:50000', caller: undefined, signal };
}

/** Calls, and notes when each is refused. */
function refused(count: number): number[] {
  const times: number[] = [];
  for (let number = 0; number < count; number++)
    check.authorize(call('Bearer guess'))?.catch(() => times.push(clock.nowMs()));
  return times;
}

describe('calls without the right token', () => {
  it('are refused a second later, and those with it let through at once', async () => {
    expect(check.authorize(call('Bearer secret'))).toBeUndefined();
    const times = refused(1);
    await clock.advance(999);
    expect(times).toEqual([]);
    await clock.advance(1);
    expect(times).toEqual([1000]);
  });

  it('occupy nothing while they wait beyond a hundred', async () => {
    const times = refused(150);
    await clock.advance(0);
    expect(times).toHaveLength(50);
    await clock.advance(1000);
    expect(times).toHaveLength(150);
    expect(refused(100)).toHaveLength(0);
  });

  it('are refused when their caller ends them', async () => {
    const abort = new AbortController();
    const ending = check.authorize(call(undefined, abort.signal));
    abort.abort();
    await expect(ending).rejects.toMatchObject({ code: 'unauthenticated', reason: 'BAD_TOKEN' });
  });

  it('are logged with where they come from, together and not without bound', async () => {
    refused(1);
    expect(logged).toEqual([[{ address: '10.0.0.7' }, 'refused a control call without the right token']]);
    refused(20);
    expect(logged).toHaveLength(1);
    await clock.advance(10_000);
    refused(1);
    expect(logged.at(-1)).toEqual([
      { address: '10.0.0.7' },
      'refused 21 control calls without the right token',
    ]);
  });
});
