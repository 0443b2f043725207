import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  formatAddress,
  isLinkLocalHost,
  isLoopbackHost,
  isUnspecifiedHost,
  parseAddress,
  plainHost,
  type Address,
} from './address.js';

const port = fc.nat(65_535);
const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.constant(''));
const path = fc.string({ minLength: 1, maxLength: 20 }).map((name) => `/run/${name}`);
const address: fc.Arbitrary<Address> = fc.oneof(
  fc.record({ kind: fc.constant('tcp' as const), host, port }),
  fc.record({ kind: fc.constant('unix' as const), path }),
);

describe('an address', () => {
  it('is parsed from its own text', () => {
    fc.assert(
      fc.property(address, (written) => expect(parseAddress(formatAddress(written))).toEqual(written)),
    );
  });

  it.each([
    ['localhost:7070', { kind: 'tcp', host: 'localhost', port: 7070 }],
    [':0', { kind: 'tcp', host: '', port: 0 }],
    ['[::1]:65535', { kind: 'tcp', host: '::1', port: 65_535 }],
    ['[fe80::1%eth0]:7070', { kind: 'tcp', host: 'fe80::1%eth0', port: 7070 }],
    ['[fe80::1%br-3f.2_x]:1', { kind: 'tcp', host: 'fe80::1%br-3f.2_x', port: 1 }],
    ['unix:/run/a b.sock', { kind: 'unix', path: '/run/a b.sock' }],
  ])('is read from %s', (text, expected) => {
    expect(parseAddress(text)).toEqual(expected);
  });

  it.each([
    ['localhost', { kind: 'tcp', host: 'localhost', port: 7070 }],
    ['10.0.0.3', { kind: 'tcp', host: '10.0.0.3', port: 7070 }],
    ['[::1]', { kind: 'tcp', host: '::1', port: 7070 }],
    ['[fe80::1%eth0]', { kind: 'tcp', host: 'fe80::1%eth0', port: 7070 }],
    ['localhost:80', { kind: 'tcp', host: 'localhost', port: 80 }],
    [':80', { kind: 'tcp', host: '', port: 80 }],
    ['unix:/x', { kind: 'unix', path: '/x' }],
  ])('has the default port if it names none: %s', (text, expected) => {
    expect(parseAddress(text, 7070)).toEqual(expected);
  });

  it.each(['', ':', '7070', 'localhost:', '::1', '::1:7070', 'a b', 'h/x', 'http://h'])(
    'is refused with a default port, too: %j',
    (text) => {
      expect(() => parseAddress(text, 7070)).toThrow(/is not an address: write HOST, HOST:PORT or unix:PATH/);
    },
  );

  it.each([
    '',
    'localhost',
    'localhost:',
    '7070',
    'host:65536',
    'host:-1',
    'host:7o7o',
    '::1:7070',
    'a b:1',
    'http://h:1',
    'h/x:1',
    '[::1]',
    '[x]:1',
    '[fe80::1%]:1',
    '[fe80::1%eth0/x]:1',
    'fe80::1%eth0:7070',
    'unix:',
  ])('is not %j', (text) => {
    expect(() => parseAddress(text)).toThrow(
      expect.objectContaining({ code: 'invalid', reason: 'BAD_ADDRESS' }),
    );
  });

  it('of a socket has a path that the system accepts', () => {
    expect(parseAddress(`unix:/${'x'.repeat(106)}`)).toMatchObject({ kind: 'unix' });
    for (const long of [`unix:/${'x'.repeat(107)}`, `unix:/${'ñ'.repeat(54)}`]) {
      expect(() => parseAddress(long)).toThrow(expect.objectContaining({ reason: 'SOCKET_PATH_TOO_LONG' }));
    }
  });

  it('is either parsed or refused with a sentence, for any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseAddress(text)).toBeDefined();
        } catch (error) {
          expect(error).toMatchObject({ name: 'EnjambreError', code: 'invalid' });
        }
      }),
    );
  });

  it('of any host is distinguished from one that others can reach', () => {
    expect(['', '0.0.0.0', '::', '0:0:0:0:0:0:0:0'].map(isUnspecifiedHost)).toEqual([true, true, true, true]);
    expect(['127.0.0.1', '::1', 'host', '10.0.0.0'].map(isUnspecifiedHost)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it('of a loopback interface is distinguished from those that others reach', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', 'localhost'])
      expect([host, isLoopbackHost(host)]).toEqual([host, true]);
    for (const host of ['10.0.0.1', '::', '::2', '127.example.org', 'localhost.example.org', '0.0.0.0'])
      expect([host, isLoopbackHost(host)]).toEqual([host, false]);
  });

  it('of one link is distinguished from routable ones', () => {
    for (const host of ['fe80::1', 'FE80::1%eth0', 'febf::1', '169.254.7.7'])
      expect([host, isLinkLocalHost(host)]).toEqual([host, true]);
    for (const host of ['fec0::1', 'fd00::1', '169.255.0.1', 'fe80.example.org', '10.169.254.1'])
      expect([host, isLinkLocalHost(host)]).toEqual([host, false]);
  });

  it('of IPv4 mapped to IPv6 becomes plain IPv4', () => {
    expect(['::ffff:10.0.0.7', '10.0.0.7', '::ffff:1', 'fd99::1'].map(plainHost)).toEqual([
      '10.0.0.7',
      '10.0.0.7',
      '::ffff:1',
      'fd99::1',
    ]);
  });
});
