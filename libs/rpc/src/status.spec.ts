import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { EnjambreError, type ErrorCode } from '@enjambre/core/error';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromServiceError, toServiceError, toStatus } from './status.js';

const CODES: [ErrorCode, status][] = [
  ['invalid', status.INVALID_ARGUMENT],
  ['not-found', status.NOT_FOUND],
  ['already-exists', status.ALREADY_EXISTS],
  ['precondition', status.FAILED_PRECONDITION],
  ['denied', status.PERMISSION_DENIED],
  ['unauthenticated', status.UNAUTHENTICATED],
  ['exhausted', status.RESOURCE_EXHAUSTED],
  ['unavailable', status.UNAVAILABLE],
  ['aborted', status.ABORTED],
  ['timeout', status.DEADLINE_EXCEEDED],
  ['cancelled', status.CANCELLED],
  ['data-loss', status.DATA_LOSS],
  ['internal', status.INTERNAL],
];

function serviceError(code: status, details: string, metadata = new Metadata()): ServiceError {
  return Object.assign(new Error(`${code}: ${details}`), { code, details, metadata });
}

describe('an error on its way to a client and back', () => {
  it.each(CODES)('has the status of %s', (code, grpc) => {
    expect(toStatus(new EnjambreError(code, 'X', 'x'), 'test').code).toBe(grpc);
  });

  it('keeps code, reason, message and metadata', () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 }).filter((value) => value.isWellFormed());
    const facts = fc.dictionary(fc.stringMatching(/^[a-z][a-z_]{0,9}$/), text, { maxKeys: 4 });
    fc.assert(
      fc.property(
        fc.constantFrom(...CODES),
        fc.stringMatching(/^[A-Z_]{1,30}$/),
        text,
        facts,
        ([code], reason, message, metadata) => {
          const back = fromServiceError(
            toServiceError(new EnjambreError(code, reason, message, { metadata }), 'test'),
          );
          expect(back).toMatchObject({
            code,
            reason,
            message: message === '' ? expect.any(String) : message,
          });
          expect(back.metadata).toEqual(metadata);
        },
      ),
    );
  });

  it.each([0, 1, 999, 1500, 3_600_000])('keeps the retry delay of %d ms', (retryAfterMs) => {
    const error = new EnjambreError('exhausted', 'TOO_FAST', 'wait', { retryAfterMs });
    expect(fromServiceError(toServiceError(error, 'test'))).toMatchObject({
      reason: 'TOO_FAST',
      retryAfterMs,
    });
  });

  it('has no retry delay if none is known', () => {
    const error = new EnjambreError('exhausted', 'FULL', 'full');
    expect(fromServiceError(toServiceError(error, 'test')).retryAfterMs).toBeUndefined();
  });

  it('hides internal errors, and every cause', () => {
    const secret = 'password hunter2';
    for (const error of [
      new TypeError(secret),
      secret,
      { secret },
      new EnjambreError('invalid', 'X', 'x', { cause: new Error(secret) }),
    ]) {
      const { code, details, metadata } = toStatus(error, 'test');
      const sent = [details, ...Object.values(metadata.getMap())]
        .map((value) => value.toString('latin1' as never))
        .join(' ');
      expect(sent).not.toContain('hunter2');
      if (!(error instanceof EnjambreError))
        expect([code, details]).toEqual([status.INTERNAL, 'internal error']);
    }
  });

  it('is truncated to fit into a header, but not within a character', () => {
    const error = new EnjambreError('invalid', 'X', `${'x'.repeat(1023)}😀 and more`);
    const { details } = toStatus(error, 'test');
    expect(details.length).toBeLessThanOrEqual(1024);
    expect(() => encodeURI(details)).not.toThrow();
  });

  it('without our details has the name of its status as reason', () => {
    expect(fromServiceError(serviceError(status.UNAVAILABLE, 'gone'))).toMatchObject({
      code: 'unavailable',
      reason: 'UNAVAILABLE',
      message: 'gone',
    });
    expect(fromServiceError(serviceError(status.UNIMPLEMENTED, 'what?'))).toMatchObject({
      code: 'precondition',
      reason: 'UNIMPLEMENTED',
    });
    expect(fromServiceError(serviceError(status.UNKNOWN, 'x'))).toMatchObject({
      code: 'internal',
      reason: 'UNKNOWN',
    });
  });

  it('survives malformed details', () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from([0xff, 0xff, 0xff, 0x01]));
    expect(fromServiceError(serviceError(status.NOT_FOUND, 'x', metadata))).toMatchObject({
      code: 'not-found',
      reason: 'NOT_FOUND',
    });
  });

  it('is unchanged if it is an EnjambreError, and internal otherwise', () => {
    const ours = new EnjambreError('aborted', 'X', 'x');
    expect(fromServiceError(ours)).toBe(ours);
    expect(fromServiceError('boom')).toMatchObject({ code: 'internal', reason: 'INTERNAL' });
  });

  it('loses the notes of grpc-js for its developers', () => {
    const noisy =
      'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:7070. Resolution note: whatever it says';
    expect(fromServiceError(serviceError(status.UNAVAILABLE, noisy)).message).toBe(
      'connect ECONNREFUSED 127.0.0.1:7070',
    );
  });

  it('says what happened where grpc-js knows no error', () => {
    const noisy = 'No connection established. Last error: null. Resolution note: whatever it says';
    expect(fromServiceError(serviceError(status.UNAVAILABLE, noisy)).message).toBe(
      'the last attempt to connect failed, and the next one has not begun',
    );
  });
});
