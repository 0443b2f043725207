import { EnjambreError } from '@enjambre/core/error';
import { createInbox, type Msg, type NatsConnection } from 'nats';
import { STREAM } from './names.js';
import type { ConsumerSeq, StreamSeq } from './numbering.js';

export interface PullRequest {
  readonly consumer: string;
  readonly batch: number;
  /** Byte limit of a batch; it may then have fewer messages. */
  readonly maxBytes: number;
  /** Time to wait for new messages, in milliseconds; 0 does not wait. */
  readonly expiresMs: number;
  readonly signal: AbortSignal;
}

/** A message of the stream as delivered by a consumer. */
export interface Pulled {
  readonly seq: StreamSeq;
  readonly consumerSeq: ConsumerSeq;
  readonly subject: string;
  readonly data: Uint8Array;
  acknowledge(): void;
}

/** NATS reports the end of a pull; without that report, a pull ends this long after `expiresMs`. */
const GRACE_MS = 5000;
/** Statuses of a normal end of a pull: no messages, or none within the time. */
const OVER = new Set([404, 408]);

/**
 * Requests messages from a pull consumer. Resolves when the batch is full, the time has passed or `signal`
 * aborts. Throws if NATS has ended it otherwise, or no longer answers.
 */
export async function pull(
  connection: NatsConnection,
  request: PullRequest,
  onMessage: (message: Pulled) => void,
): Promise<void> {
  const { consumer, batch, maxBytes, expiresMs, signal } = request;
  await new Promise<void>((resolve, reject) => {
    let received = 0;
    const reply = createInbox();
    const end = (error?: Error): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      subscription.unsubscribe();
      if (error) reject(error);
      else resolve();
    };
    const onAbort = (): void => end();
    const subscription = connection.subscribe(reply, {
      callback: (error, message) => {
        if (error) end(error);
        else if (isStatus(message)) end(failureOf(message));
        else {
          onMessage(toPulled(connection, message));
          received += 1;
          if (received === batch) end();
        }
      },
    });
    const timer = setTimeout(() => end(away('it no longer answers')), expiresMs + GRACE_MS);
    signal.addEventListener('abort', onAbort);
    const waits = expiresMs > 0 ? { expires: expiresMs * 1_000_000 } : { no_wait: true };
    const payload = JSON.stringify({ batch, max_bytes: maxBytes, ...waits });
    connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${consumer}`, payload, { reply });
  });
}

function isStatus({ headers, data }: Msg): boolean {
  return data.length === 0 && headers !== undefined && headers.code > 0;
}

function failureOf({ headers }: Msg): Error | undefined {
  const code = headers?.code ?? 0;
  const description = headers?.description ?? '';
  if (OVER.has(code) || /maxbytes/i.test(description)) return undefined;
  return away(`${code} ${description}`);
}

function away(why: string): EnjambreError {
  const message = `NATS did not deliver messages (${why}): try again`;
  return new EnjambreError('unavailable', 'STORE_AWAY', message);
}

/**
 * Parses "$JS.ACK.STREAM.CONSUMER.DELIVERED.SEQ.CONSUMERSEQ.TIME.PENDING", optionally with domain and account
 * before STREAM.
 */
function toPulled(connection: NatsConnection, { reply = '', subject, data }: Msg): Pulled {
  const tokens = reply.split('.');
  const from = tokens.length > 9 ? 4 : 2;
  return {
    seq: Number(tokens[from + 3]) as StreamSeq,
    consumerSeq: Number(tokens[from + 4]) as ConsumerSeq,
    subject,
    data,
    acknowledge: () => connection.publish(reply),
  };
}
