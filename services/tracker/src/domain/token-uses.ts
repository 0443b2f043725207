/** Who has used one token, and when it expires, in milliseconds since 1970. */
export interface TokenUse {
  /** Peer ids. */
  readonly peers: readonly string[];
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

/**
 * The uses with that of `token` by `peer`, without those of expired tokens; undefined if the token is used up. A peer that
 * asks again, since an answer was lost, counts once.
 */
export function withUse(
  known: TokenUses,
  token: CountedToken,
  peer: string,
  now: number,
): TokenUses | undefined {
  const peers = known.get(token.id)?.peers ?? [];
  if (peers.includes(peer)) return known;
  if (peers.length >= token.uses) return undefined;
  const current = [...known].filter(([, { expiresAt }]) => expiresAt > now);
  return new Map([...current, [token.id, { peers: [...peers, peer], expiresAt: token.expiresAt }]]);
}
