/** The subject of a finding. */
export type Check =
  | 'config'
  | 'agent'
  | 'tracker'
  | 'messaging'
  | 'certificate'
  | 'endpoint'
  | 'peers'
  | 'clock'
  | 'disk'
  | 'limits'
  | 'versions';

export type Level = 'ok' | 'warn' | 'fail';

/** One result of `enjambre doctor`. */
export interface Finding {
  readonly check: Check;
  /** `fail`: it does not work; `warn`: it works, but slowly, or not for long. */
  readonly level: Level;
  /** One sentence: the state and, unless it is `ok`, the next step. */
  readonly message: string;
}

type Say = (message: string) => Finding;

/** Constructors of findings about `check`, one for each level. */
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
