import { messageOf } from '@enjambre/core/error';
import { ErrorCode, NatsError } from 'nats';
import { flagName } from '../config/options.js';

/** Error codes of a server without JetStream, where no subscriber answers the request. */
const NO_JETSTREAM: ReadonlySet<string> = new Set([
  ErrorCode.JetStreamNotEnabled,
  ErrorCode.NoResponders,
  '503',
]);
/** JetStream's error codes for the same; other faults of a server have 503, too. */
const NOT_ENABLED: ReadonlySet<number> = new Set([0, 10_039, 10_076]);
const NO_RIGHTS: ReadonlySet<string> = new Set([ErrorCode.PermissionsViolation]);

/** Storage that a stream reserves at its creation, full or not. */
export interface Reservation {
  /** Its content, such as "messages". */
  readonly what: string;
  readonly bytes: number;
  /** The setting that lowers it, such as "eventMaxBytes". */
  readonly setting: string;
}

/** JetStream's error codes for a server or an account without storage left. */
const NO_STORAGE: ReadonlySet<number> = new Set([10_002, 10_028, 10_047]);
/** The same for a cluster, where these codes have other causes, too. */
const NO_NODES: ReadonlySet<number> = new Set([10_005, 10_023]);

/** True if a stream was refused because the server lacks storage for its reservation. */
export function lacksStorage(error: unknown): boolean {
  return NO_STORAGE.has(numberOf(error));
}

/**
 * Why JetStream failed and what to do, as a clause.
 *
 * @param reserved the storage that was requested
 */
export function jetStreamProblem(error: unknown, reserved?: Reservation): string {
  if (reserved && lacksStorage(error))
    return `its storage has no room for ${reservationOf(reserved)}: raise max_file_store, or lower ${flagName(reserved.setting)}`;

  const code = error instanceof NatsError ? error.code : '';
  if (NO_JETSTREAM.has(code) && NOT_ENABLED.has(numberOf(error)))
    return 'it runs without JetStream: start nats-server with -js';
  const said = messageOf(error);
  if (reserved && NO_NODES.has(numberOf(error)))
    return `${said}; if storage is short, lower ${flagName(reserved.setting)}, which sets ${reservationOf(reserved)}`;
  if (!NO_RIGHTS.has(code)) return said;
  return `${said}: give the user of ${flagName('nats')} rights on $JS.API.> and the subjects of docs/operations.md`;
}

function numberOf(error: unknown): number {
  return error instanceof NatsError ? (error.api_error?.err_code ?? 0) : 0;
}

function reservationOf({ what, bytes }: Reservation): string {
  const mebibytes = Math.round((bytes / 2 ** 20) * 10) / 10;
  return `the ${mebibytes} MiB reserved for ${what}`;
}
