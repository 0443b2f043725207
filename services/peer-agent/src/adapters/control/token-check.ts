import { createHash, timingSafeEqual } from 'node:crypto';
import { EnjambreError } from '@enjambre/core/error';
import type { CallContext } from '@enjambre/rpc/handlers';

/** Lets calls pass that bring "authorization: Bearer TOKEN". Throws `unauthenticated`, BAD_TOKEN. */
export function checkToken(token: string): (context: CallContext) => void {
  return ({ metadata }) => {
    if (metadata.get('authorization').some((given) => isSame(String(given), `Bearer ${token}`))) return;
    throw new EnjambreError(
      'unauthenticated',
      'BAD_TOKEN',
      "control over TCP asks for the token in control.token of the agent's data folder",
    );
  };
}

/** Compares secrets in a time that tells nothing of where they differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
