import { RejectReason as WireReject } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { RejectReason } from '../../domain/block.js';

const TO_WIRE: Readonly<Record<RejectReason, WireReject>> = {
  cancelled: WireReject.CANCELLED,
  choked: WireReject.CHOKED,
  'not-available': WireReject.NOT_AVAILABLE,
  'read-failed': WireReject.READ_FAILED,
  'content-changed': WireReject.CONTENT_CHANGED,
};

export function rejectToWire(reason: RejectReason): WireReject {
  return TO_WIRE[reason];
}

/** An unknown reason counts as `not-available`: do not ask again. */
export function rejectFromWire(reason: WireReject): RejectReason {
  switch (reason) {
    case WireReject.CANCELLED:
      return 'cancelled';
    case WireReject.CHOKED:
      return 'choked';
    case WireReject.READ_FAILED:
      return 'read-failed';
    case WireReject.CONTENT_CHANGED:
      return 'content-changed';
    default:
      return 'not-available';
  }
}
