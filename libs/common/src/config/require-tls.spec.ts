import { expect, test } from '@jest/globals';
import { parseAddress } from './address.js';
import { requireTls } from './tls-options.js';

const check =
  (listen: string, insecure = false, tracker?: string) =>
  (): void => {
    const addresses = [
      { key: 'listen', address: parseAddress(listen) },
      { key: 'tracker', address: tracker === undefined ? undefined : parseAddress(tracker) },
    ];
    requireTls({ insecure }, addresses, ['join', 'tls']);
  };

test.each(['127.0.0.1:7070', '127.6.6.6:1', '[::1]:7070', 'localhost:7070', 'unix:/tmp/a.sock'])(
  'a program at %s needs no certificate: no other machine reaches it',
  (listen) => {
    expect(check(listen)).not.toThrow();
  },
);

test.each([':7070', '0.0.0.0:7070', '[::]:7070', '10.0.0.1:7070', 'tracker.example:7070'])(
  'a program at %s needs a certificate, unless plaintext is allowed',
  (listen) => {
    expect(check(listen)).toThrow(
      `--listen ${listen} would reach other machines in plaintext: name a certificate with --join or --tls, use an address of 127.0.0.1, or allow it with --insecure`,
    );
    expect(check(listen, true)).not.toThrow();
  },
);

test('so does a program that connects to another machine', () => {
  expect(check('127.0.0.1:0', false, 'tracker.example:7070')).toThrow('--tracker tracker.example:7070 would');
  expect(check('127.0.0.1:0', false, '127.0.0.1:7070')).not.toThrow();
});
