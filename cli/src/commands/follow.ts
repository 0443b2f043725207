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
  /** Called once each time the agent stops answering. */
  readonly onLost: (error: EnjambreError) => void;
  /** How long the agent may be unreachable, in milliseconds. @default 30000 */
  readonly patienceMs?: number;
  /** Delay between two attempts, in milliseconds. @default 500 */
  readonly retryMs?: number;
}

/** The part of {@link AgentClient} that this needs. */
export interface Watchable {
  watch(ref: string, intervalMs: number): AsyncIterable<Transfer>;
}

const INTERVAL_MS = 200;
const PATIENCE_MS = 30_000;
const RETRY_MS = 500;

/**
 * Updates of a transfer; survives a restart of the agent. Throws the agent's errors;
 * `unavailable`, AGENT_UNREACHABLE if the agent is unreachable longer than `patienceMs`;
 * `aborted`, TRANSFER_REMOVED if the transfer is removed.
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
 * {@link follow} for a command, which says that the agent is unreachable.
 *
 * @param onLost called before it says so
 */
export function followTransfer(
  { signal, output, context }: Session,
  agent: Watchable,
  { infohash }: Transfer,
  onLost: () => void = () => undefined,
): AsyncGenerator<Transfer, void, undefined> {
  const tell = (): void => {
    onLost();
    output.note('lost the connection to the agent: waiting up to 30 s for it to return');
  };
  return follow(agent, infohash, { signal, now: context.now, onLost: tell });
}

/**
 * The items of a stream of the agent; survives a restart of the agent. Ends at Ctrl-C;
 * throws the agent's errors.
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

/** Opens a stream again while the agent, or a service behind it, restarts. */
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

/** Reasons of an agent while it, or a service behind it, restarts. */
const PASSING: ReadonlySet<string> = new Set(['STOPPING', 'NO_TRACKER', 'NATS_UNREACHABLE']);

/** True for errors, or silence, of an agent that restarts. */
function isPassing(error: unknown): error is EnjambreError {
  return isUnreachable(error) || (error instanceof EnjambreError && PASSING.has(error.reason));
}
