import { refused } from '@enjambre/common/trust/join-tokens';
import type { EnjambreError } from '@enjambre/core/error';
import { z } from 'zod';
import type { CountedToken, TokenUse } from '../../domain/token-uses.js';

/** The uses of one token, as they are stored. */
export const tokenUseSchema = z.object({ peers: z.array(z.string()), expires_at: z.number() });

/** The text of the uses of one token. */
export function encodeUses({ peers, expiresAt }: TokenUse): string {
  return JSON.stringify({ peers, expires_at: expiresAt });
}

/** Inverse of {@link encodeUses}. Throws for any other text. */
export function decodeUses(text: string): TokenUse {
  const { peers, expires_at: expiresAt } = tokenUseSchema.parse(JSON.parse(text));
  return { peers, expiresAt };
}

/** The error for a token that is good for no further peer. */
export function usedUp({ uses }: CountedToken): EnjambreError {
  const times = uses === 1 ? 'was used already' : `was used ${uses} times already`;
  return refused(`the join token ${times}: ask for a new one`);
}
