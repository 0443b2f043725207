/** One token: how often it was used, and when it expires, in milliseconds since 1970. */
export interface TokenUse {
  readonly uses: number;
  readonly expiresAt: number;
}

/** Uses of join tokens by their ids. */
export type TokenUses = ReadonlyMap<string, TokenUse>;

/** The terms of a token that its uses are counted against. */
export interface CountedToken {
  readonly id: string;
  readonly uses: number;
  readonly expiresAt: number;
}

/** The uses with one more of `token`, without those of expired tokens; undefined if it is used up. */
export function withUse(known: TokenUses, token: CountedToken, now: number): TokenUses | undefined {
  const used = known.get(token.id)?.uses ?? 0;
  if (used >= token.uses) return undefined;
  const current = [...known].filter(([, { expiresAt }]) => expiresAt > now);
  return new Map([...current, [token.id, { uses: used + 1, expiresAt: token.expiresAt }]]);
}
