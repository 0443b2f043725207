import { describe, expect, test } from '@jest/globals';
import { AllowedHosts } from './allowed-hosts.js';

describe('hosts that agents may name', () => {
  test.each([
    ['10.0.0.0/8', '10.9.8.7'],
    ['10.0.0.0/8', '::ffff:10.9.8.7'],
    ['fd99::/64', 'fd99::7'],
    ['10.0.0.7', '10.0.0.7'],
    ['alice', 'ALICE'],
    ['alice.example.com', 'alice.example.com.'],
    ['*.example.com', 'a.b.example.com'],
    ['*.Example.com.', 'a.example.COM'],
  ])('%s allows %s', (allowed, host) => expect(new AllowedHosts([allowed]).allows(host)).toBe(true));

  test.each([
    ['10.0.0.0/8', '11.0.0.1'],
    ['10.0.0.0/8', 'a.example.com'],
    ['0.0.0.0/0', 'fd99::7'],
    ['::/0', '10.0.0.7'],
    ['*.example.com', 'example.com'],
    ['*.example.com', 'badexample.com'],
    ['example.com', 'a.example.com'],
    ['*.1a', '127.1'],
    ['0.0.0.0/0', '2130706433'],
  ])('%s does not allow %s', (allowed, host) => expect(new AllowedHosts([allowed]).allows(host)).toBe(false));

  test('are none by default, and several at once', () => {
    expect(new AllowedHosts([]).allows('10.0.0.7')).toBe(false);
    const several = new AllowedHosts(['192.0.2.0/24', 'alice']);
    expect(['192.0.2.9', 'alice', 'bob'].map((host) => several.allows(host))).toEqual([true, true, false]);
  });

  test.each([
    '',
    '*',
    '*.',
    'a*.example.com',
    '10.0.0.0/33',
    '10.0.0/8',
    '127.1',
    'a b',
    'http://a',
    'a:7072',
    '-a',
    '.a',
    'x'.repeat(64),
  ])('are not %j', (text) =>
    expect(() => new AllowedHosts([text])).toThrow(/write 10\.0\.0\.0\/8, fd99::\/64, HOST or \*\.DOMAIN/),
  );
});
