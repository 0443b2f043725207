import type { Session } from './context.js';

/** What commander read: flags by their camelCase names. */
export type Given = Readonly<Record<string, unknown>>;
type Handler = (session: Session, args: readonly string[], given: Given) => Promise<void>;

export interface Flag {
  readonly flags: string;
  readonly description: string;
  readonly parse?: (value: string, previous: never) => unknown;
}

/** A command that talks with an agent or a tracker. */
export interface ClientCommand {
  /** Name and arguments, such as "get <REF>". */
  readonly usage: string;
  readonly summary: string;
  readonly flags?: readonly Flag[];
  /** What `--help` says besides, such as examples. */
  readonly notes?: string;
  /** It asks neither agent nor tracker. */
  readonly alone?: true;
  /** Loads what it needs itself, so that `--help` and small commands start at once. */
  readonly handle: Handler;
}
