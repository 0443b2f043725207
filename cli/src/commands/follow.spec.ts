import { describe, expect, test } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import { Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { follow, type FollowOptions, type Watchable } from './follow.js';

const transfer = Transfer.fromPartial({ name: 'a' });
const away = new EnjambreError('unavailable', 'AGENT_UNREACHABLE', 'no agent answers');

/** Each call of `watch` consumes the next part: transfers, then an error if one is given. */
function agent(...parts: (readonly (Transfer | EnjambreError)[])[]): Watchable {
  return {
    async *watch() {
      for (const part of parts.shift() ?? []) {
        await Promise.resolve();
        if (part instanceof EnjambreError) throw part;
        yield part;
      }
    },
  };
}

function options(fields: Partial<FollowOptions> = {}): FollowOptions & { lost: () => number } {
  let lost = 0;
  return {
    signal: new AbortController().signal,
    now: () => 0,
    onLost: () => (lost += 1),
    retryMs: 0,
    lost: () => lost,
    ...fields,
  };
}

async function read(transfers: AsyncIterable<Transfer>): Promise<{ seen: number; error: unknown }> {
  let seen = 0;
  try {
    for await (const transfer of transfers) seen += transfer.name === 'a' ? 1 : 0;
    return { seen, error: undefined };
  } catch (error) {
    return { seen, error };
  }
}

describe('following a transfer', () => {
  test('resumes when the agent returns, however often it stops', async () => {
    const its = options();
    const parts = [[transfer, away], [away], [transfer, away], [transfer]];

    const { seen, error } = await read(follow(agent(...parts), 'a', its));

    expect(seen).toBe(3);
    expect(error).toMatchObject({ reason: 'TRANSFER_REMOVED' });
    expect(its.lost()).toBe(2);
  });

  test('gives up when the agent does not return', async () => {
    let now = 0;
    const watched = agent([transfer, away], ...Array.from({ length: 10 }, () => [away]));

    const { error } = await read(follow(watched, 'a', options({ now: () => (now += 10_000) })));

    expect(error).toBe(away);
    expect(now).toBeLessThanOrEqual(60_000);
  });

  test('waits for an agent that is stopping, and ends at once for other errors', async () => {
    const stopping = new EnjambreError('unavailable', 'STOPPING', 'stopping');
    const unknown = new EnjambreError('not-found', 'UNKNOWN_REF', 'gone');

    const { seen, error } = await read(follow(agent([stopping], [transfer, unknown]), 'a', options()));

    expect(seen).toBe(1);
    expect(error).toBe(unknown);
  });

  test('stops waiting when it is interrupted', async () => {
    const interrupt = new AbortController();
    const its = options({
      signal: interrupt.signal,
      retryMs: 60_000,
      onLost: () => {
        interrupt.abort();
      },
    });

    expect((await read(follow(agent([away]), 'a', its))).error).toBe(away);
  });
});
