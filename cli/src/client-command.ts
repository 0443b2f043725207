import type { Session } from './context.js';

/** Flags as commander parsed them, by their camelCase names. */
export type Given = Readonly<Record<string, unknown>>;
type Handler = (session: Session, args: readonly string[], given: Given) => Promise<void>;

/** What an argument or a flag's value names; completion offers values of that kind. */
export type ArgumentKind =
  | 'transfer'
  | 'shared-file'
  | 'peer'
  | 'room'
  | 'address'
  | 'path'
  | 'folder'
  | 'torrent'
  | 'column'
  | 'context';

export interface Flag {
  readonly flags: string;
  readonly description: string;
  readonly parse?: (value: string, previous: never) => unknown;
  /** Kind of its value; absent for a switch and for free text. */
  readonly kind?: ArgumentKind;
}

/** A command that calls an agent or a tracker. */
export interface ClientCommand {
  /** Name and arguments, such as "get <REF...>". */
  readonly usage: string;
  readonly summary: string;
  /** Kinds of the arguments in `usage`, by their names; absent for free text. */
  readonly kinds?: Readonly<Record<string, ArgumentKind>>;
  /** Words that an argument may be, by its name in `usage`. */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
  readonly flags?: readonly Flag[];
  /** Text at the end of `--help`, such as examples. */
  readonly notes?: string;
  /** It calls neither agent nor tracker. */
  readonly alone?: true;
  /** Imports its modules when it is called, so that `--help` and small commands start at once. */
  readonly handle: Handler;
}
