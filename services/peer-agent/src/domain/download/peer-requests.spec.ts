import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PeerRequests, type PendingRequest } from './peer-requests.js';

/** Sends a request, for a block or for one of the peer's choice. */
function send(requests: PeerRequests, bytes: number, ref?: PendingRequest['ref']): PendingRequest {
  return requests.pending.get(requests.sent({ ref, bytes, askedMs: 0, dueMs: 0 }))!;
}

describe('PeerRequests', () => {
  it('counts a request until it is answered or cancelled, and only once', () => {
    const requests = new PeerRequests();
    const [named, any] = [send(requests, 10, { piece: 0, block: 0 }), send(requests, 5)];
    expect([requests.bytes, requests.named, requests.any]).toEqual([15, 1, 1]);
    expect([requests.cancelled(named), requests.cancelled(named)]).toEqual([true, false]);
    expect([requests.bytes, requests.named, requests.any]).toEqual([5, 0, 1]);
    expect(requests.answered(named.id)).toMatchObject({ bytes: 10, cancelled: true });
    expect(requests.answered(any.id)).toMatchObject({ bytes: 5, cancelled: false });
    expect([requests.answered(any.id), requests.cancelled(any)]).toEqual([undefined, false]);
    expect([requests.bytes, requests.named, requests.any, requests.pending.size]).toEqual([0, 0, 0, 0]);
  });

  it('counts exactly what is still needed, and is never negative, in any order of events', () => {
    const step = fc.record({
      do: fc.constantFrom('send' as const, 'send any' as const, 'cancel' as const, 'answer' as const),
      pick: fc.nat(30),
      bytes: fc.integer({ min: 1, max: 1 << 20 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const requests = new PeerRequests();
        const sent: PendingRequest[] = [];
        for (const { do: act, pick, bytes } of steps) {
          // Includes requests answered long ago.
          const one = sent[pick % Math.max(1, sent.length)];
          if (act === 'send') sent.push(send(requests, bytes, { piece: 0, block: pick }));
          else if (act === 'send any') sent.push(send(requests, bytes));
          else if (act === 'cancel' && one) requests.cancelled(one);
          else if (one) requests.answered(one.id);
          const needed = sent.filter(({ id, cancelled }) => requests.pending.has(id) && !cancelled);
          expect(requests.bytes).toBe(needed.reduce((sum, { bytes: each }) => sum + each, 0));
          expect(requests.named).toBe(needed.filter(({ ref }) => ref).length);
          expect(requests.any).toBe(needed.filter(({ ref }) => !ref).length);
        }
      }),
    );
  });
});
