import { hasRight, rightMissing, type Limited } from '@enjambre/core/trust/rights';
import type { TargetRequest } from '../domain/message.js';

/**
 * Returns a target to which the holder of a certificate may send: a room whose name its right covers, and all others with
 * that right for all names only. Throws `denied`, RIGHT_MISSING.
 *
 * @param holder undefined without TLS: then everything is allowed
 */
export function permittedTarget(holder: Limited | undefined, target: TargetRequest): TargetRequest {
  const room = target.kind === 'room' ? target.room : undefined;
  if (hasRight(holder, 'send', room)) return target;
  throw rightMissing('send', room);
}
