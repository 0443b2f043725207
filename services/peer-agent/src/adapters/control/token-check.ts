import { createHash, timingSafeEqual } from 'node:crypto';
import { EnjambreError } from '@enjambre/core/error';
import type { CallContext } from '@enjambre/rpc/handlers';

/** Accepts calls that carry "authorization: Bearer TOKEN". Throws `unauthenticated` BAD_TOKEN. */
export function checkToken(token: string): (context: CallContext) => void {
  return ({ metadata }) => {
    if (metadata.get('authorization').some((given) => isSame(String(given), `Bearer ${token}`))) return;
    throw new EnjambreError(
      'unauthenticated',
      'BAD_TOKEN',
      "control over TCP requires the token from control.token in the agent's data folder",
    );
  };
}

/** Compares secrets in constant time. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
