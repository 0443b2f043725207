import { messageOf } from '@enjambre/core/error';
import { ErrorCode, NatsError } from 'nats';

/** What a server without JetStream answers, and nobody does in its place. */
const NO_JETSTREAM: ReadonlySet<string> = new Set([
  ErrorCode.JetStreamNotEnabled,
  ErrorCode.NoResponders,
  '503',
]);
const NO_RIGHTS: ReadonlySet<string> = new Set([ErrorCode.PermissionsViolation]);

/** Why JetStream does not do its part, and what to do, as a clause. */
export function jetStreamProblem(error: unknown): string {
  const code = error instanceof NatsError ? error.code : '';
  if (NO_JETSTREAM.has(code)) return 'it runs without JetStream: start nats-server with -js';
  const said = messageOf(error);
  if (!NO_RIGHTS.has(code)) return said;
  return `${said}: give the user of --nats rights on $JS.API.> and the subjects of docs/operations.md`;
}
