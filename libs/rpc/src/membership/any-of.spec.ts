import { expect, test } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import { TLS_FAILED } from '../status.js';
import { anyOf } from './any-of.js';

const failing =
  (...errors: EnjambreError[]) =>
  (): Promise<string> => {
    const next = errors.shift();
    return next ? Promise.reject(next) : Promise.resolve('a certificate');
  };
const tls = (message: string): EnjambreError => new EnjambreError('unavailable', TLS_FAILED, message);
const NO_TLS = tls('the server does not use TLS, which this program requires');
const CLOCK = tls("the server's certificate is not valid yet by the clock here: check the clock");

test('the first tracker that issues a certificate counts', async () => {
  expect(await anyOf(['one:7070', 'two:7070'], failing(NO_TLS))).toBe('a certificate');
});

test.each([
  [
    'a tracker without TLS',
    [NO_TLS],
    'no tracker with TLS answers at one:7070: check the address, and start it with --ca',
  ],
  [
    'a clock that is wrong',
    [CLOCK],
    "cannot trust the tracker at one:7070: the server's certificate is not valid yet by the clock here: check the clock",
  ],
  [
    'a clock that is wrong, rather than another tracker that does not answer',
    [new EnjambreError('unavailable', 'UNAVAILABLE', 'refused'), CLOCK],
    "cannot trust the tracker at two:7070: the server's certificate is not valid yet by the clock here: check the clock",
  ],
])('without a certificate, the reason is %s', async (_, errors, message) => {
  const addresses = ['one:7070', 'two:7070'].slice(0, errors.length);
  await expect(anyOf(addresses, failing(...errors))).rejects.toThrow(message);
});
