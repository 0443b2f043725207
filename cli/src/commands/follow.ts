import { sleep } from '@enjambre/common/async/sleep';
import { EnjambreError } from '@enjambre/core/error';
import type { Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Session } from '../context.js';
import { isUnreachable } from '../unreachable.js';
import { messageWithRemedy } from '../wording.js';

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  /** Called once each time that the agent stops answering. */
  readonly onLost: (error: EnjambreError) => void;
  /** How long the agent may be away, in milliseconds. @default 30000 */
  readonly patienceMs?: number;
  /** Wait between two attempts, in milliseconds. @default 500 */
  readonly retryMs?: number;
}

/** An agent that can be watched; {@link AgentClient} is one. */
export interface Watchable {
  watch(ref: string, intervalMs: number): AsyncIterable<Transfer>;
}

const INTERVAL_MS = 200;
const PATIENCE_MS = 30_000;
const RETRY_MS = 500;

/**
 * The transfer as it goes on, also through a restart of the agent. Throws what the
 * agent says; `unavailable`, AGENT_UNREACHABLE when it stays away longer than
 * `patienceMs`; `aborted`, TRANSFER_REMOVED when it is removed.
 */
export async function* follow(
  agent: Watchable,
  infohash: string,
  options: FollowOptions,
): AsyncGenerator<Transfer, void, undefined> {
  yield* reopened(() => agent.watch(infohash, INTERVAL_MS), options);
  throw new EnjambreError(
    'aborted',
    'TRANSFER_REMOVED',
    'the transfer was removed while it ran: start it again',
  );
}

/**
 * What a stream of the agent brings, also through a restart of the agent. Ends when the
 * person interrupts it; throws what the agent says.
 */
export async function* followStream<T>(
  { signal, output, context }: Session,
  open: () => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const onLost = (error: EnjambreError): void => {
    output.note(`${messageWithRemedy(error)} (waiting up to 30 s for it to return)`);
  };
  try {
    yield* reopened(open, { signal, now: context.now, onLost });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Opens a stream again while the agent, or what it asks for us, stops and starts again. */
async function* reopened<T>(
  open: () => AsyncIterable<T>,
  { signal, now, onLost, patienceMs = PATIENCE_MS, retryMs = RETRY_MS }: FollowOptions,
): AsyncGenerator<T, void, undefined> {
  let lostAt: number | undefined;
  for (;;) {
    try {
      for await (const item of open()) {
        lostAt = undefined;
        yield item;
      }
      return;
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (lostAt === undefined) {
        lostAt = now();
        onLost(error);
      }
      if (now() - lostAt >= patienceMs || !(await sleep(retryMs, signal))) throw error;
    }
  }
}

/** What an agent says while it, or what it asks for us, stops and starts again. */
const PASSING: ReadonlySet<string> = new Set(['STOPPING', 'NO_TRACKER', 'NATS_UNREACHABLE']);

/** True for what an agent says, or does not, while it stops and starts again. */
function isPassing(error: unknown): error is EnjambreError {
  return isUnreachable(error) || (error instanceof EnjambreError && PASSING.has(error.reason));
}
