import { firstOf } from '@enjambre/common/async/first-of';
import { callUnary, type UnaryOptions } from '@enjambre/rpc/client';
import { EnjambreError } from '@enjambre/core/error';
import type { TrackerServiceClient } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { TrackerPool } from './tracker-pool.js';

/** A person waits for the answer. */
const LOOKUP_TIMEOUT_MS = 5000;

type Call<T> = (client: TrackerServiceClient, options: UnaryOptions) => Promise<T>;

/**
 * Asks the tracker in use, and soon also the next if it does not answer. The first answer counts, including a refusal.
 * Throws that refusal, or the first tracker's error if all are silent.
 */
export async function askInTurn<T>(pool: TrackerPool, call: Call<T>, signal: AbortSignal): Promise<T> {
  const { answer } = await firstAnswer(pool, call, signal);
  return answer();
}

/** Address of a tracker that answers. Throws the first tracker's error if none does. */
export async function findAnswering(pool: TrackerPool, signal: AbortSignal): Promise<string> {
  const getStats: Call<unknown> = (client, options) => callUnary(client.getStats.bind(client), {}, options);
  return (await firstAnswer(pool, getStats, signal)).address;
}

async function firstAnswer<T>(
  pool: TrackerPool,
  call: Call<T>,
  until: AbortSignal,
): Promise<{ readonly address: string; readonly answer: () => T }> {
  return firstOf(
    [...pool.inTurn()],
    async ({ address, client }, { signal }) => {
      try {
        const value = await call(client, { timeoutMs: LOOKUP_TIMEOUT_MS, signal });
        return { address, answer: () => value };
      } catch (error) {
        if (isSilence(error) || signal.aborted) throw error;
        return {
          address,
          answer: () => {
            throw error;
          },
        };
      }
    },
    until,
  );
}

/** True if another tracker may answer instead. */
export function isSilence(error: unknown): boolean {
  const { code } = EnjambreError.from(error);
  return code === 'unavailable' || code === 'timeout';
}
