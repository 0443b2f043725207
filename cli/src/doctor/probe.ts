import { formatDuration } from '@enjambre/core/format-duration';
import { callUnary } from '@enjambre/rpc/client';
import { fromServiceError } from '@enjambre/rpc/status';
import { messageOf } from '@enjambre/core/error';
import { HealthCheckResponse_ServingStatus as ServingStatus } from '@enjambre/proto/gen/grpc/health/v1/health';
import { PeerServiceClient, type SyncResponse } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { TrackerServiceClient, type GetStatsResponse } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { askHealth } from '../ask-health.js';
import type { Session } from '../context.js';
import { shorten } from '../render/text.js';
import type { Answerer } from './judge-reach.js';

/** Timeout of each call: the user is waiting. */
export const PROBE_MS = 3000;

/** The parts of a session that a probe needs. */
type Prober = Pick<Session, 'context' | 'signal'>;

/** An answer with its time and duration, on this process's clocks. */
export interface Timed<T> {
  readonly answer: T;
  readonly tookMs: number;
  /** Wall clock at the middle of the call, in milliseconds since 1970. */
  readonly middleMs: number;
}

/** @param now wall clock, in milliseconds since 1970 */
export async function timed<T>(now: () => number, work: () => Promise<T>): Promise<Timed<T>> {
  const startedAt = performance.now();
  const wallMs = now();
  const answer = await work();
  const tookMs = performance.now() - startedAt;
  return { answer, tookMs, middleMs: wallMs + tookMs / 2 };
}

/** The counters, version and clock of a tracker. Throws {@link EnjambreError}. */
export async function askTracker({ context, signal }: Prober, address: string): Promise<GetStatsResponse> {
  const client = (await context.dialer()).client(TrackerServiceClient, address, 'tracker');
  try {
    return await callUnary(client.getStats.bind(client), {}, { timeoutMs: PROBE_MS, signal });
  } finally {
    client.close();
  }
}

/** Health of a server, or why it does not answer. */
export async function probeHealth(
  prober: Prober,
  address: string,
  service: string,
): Promise<'serving' | 'not-serving' | { readonly silence: string }> {
  try {
    const status = await askHealth(prober, address, service);
    return status === ServingStatus.SERVING ? 'serving' : 'not-serving';
  } catch (error) {
    return { silence: shortly(error) };
  }
}

/**
 * Which agent answers at a peer's address: an uploader sends its peer id in the challenge that
 * opens every Sync stream.
 *
 * @param peerId expected peer, 64 hexadecimal digits
 */
export async function askPeer(
  { context, signal }: Prober,
  endpoint: string,
  peerId: string,
): Promise<Answerer> {
  const client = (await context.dialer()).client(PeerServiceClient, endpoint, 'agent');
  const call = client.sync({ deadline: Date.now() + PROBE_MS });
  const cancel = (): void => {
    call.cancel();
  };
  signal.addEventListener('abort', cancel, { once: true });
  try {
    return await new Promise<Answerer>((resolve, reject) => {
      call.on('data', ({ message }: SyncResponse) => {
        if (message?.$case !== 'challenge') return;
        resolve(Buffer.from(message.value.peerId).toString('hex') === peerId ? 'itself' : 'another');
      });
      call.on('error', (error) => {
        reject(fromServiceError(error));
      });
      call.on('end', () => {
        reject(new Error('it ended the call without an answer'));
      });
    });
  } catch (error) {
    return { silence: shortly(error) };
  } finally {
    signal.removeEventListener('abort', cancel);
    call.cancel();
    client.close();
  }
}

/** Why a server did not answer, in a few words: messages of grpc-js are too long. */
export function shortly(error: unknown): string {
  const text = messageOf(error);
  const [errno] =
    /\b(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ECONNRESET|ETIMEDOUT|ENOENT|EACCES)\b/.exec(text) ?? [];
  if (errno !== undefined) return SAID[errno] ?? errno;
  if (/name resolution|ENOTFOUND|EAI_AGAIN/i.test(text)) return 'the name does not resolve';
  if (/deadline/i.test(text)) return `no answer within ${formatDuration(PROBE_MS)}`;
  if (/unimplemented|unknown method|not implement/i.test(text)) return 'another kind of server answers there';
  return shorten(text.split('\n', 1)[0] ?? '', MAX_COLUMNS);
}

const MAX_COLUMNS = 120;
const SAID: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  EHOSTUNREACH: 'no route to that machine',
  ENETUNREACH: 'no route to that network',
  ECONNRESET: 'the connection was reset',
  ETIMEDOUT: 'the connection timed out',
};
