/** What was looked at. */
export type Check =
  | 'config'
  | 'agent'
  | 'tracker'
  | 'messaging'
  | 'endpoint'
  | 'peers'
  | 'clock'
  | 'disk'
  | 'limits'
  | 'versions';

export type Level = 'ok' | 'warn' | 'fail';

/** What `enjambre doctor` says of one thing. */
export interface Finding {
  readonly check: Check;
  /** `fail`: something does not work; `warn`: it works, but not as well as it could, or not for long. */
  readonly level: Level;
  /** One sentence: what is and, unless it is as it should be, what to do. */
  readonly message: string;
}

type Say = (message: string) => Finding;

/** The three things that can be said of `check`. */
export function about(check: Check): Readonly<Record<Level, Say>> {
  const say =
    (level: Level): Say =>
    (message) => ({ check, level, message });
  return { ok: say('ok'), warn: say('warn'), fail: say('fail') };
}

/** A part of a sentence: "a", "a and b", "a, b and 3 more". */
export function listed(items: readonly string[], most = 3): string {
  const named = items.slice(0, items.length > most ? most : items.length - 1);
  const rest = items.length - named.length;
  const last = rest === 1 ? (items.at(-1) ?? '') : `${String(rest)} more`;
  return named.length === 0 ? last : `${named.join(', ')} and ${last}`;
}
