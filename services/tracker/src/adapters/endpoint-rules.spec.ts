import { describe, expect, test } from '@jest/globals';
import { parseTcpAddress } from '@enjambre/common/config/address';
import { IpAddress } from '@enjambre/core/ip-address';
import { Metadata } from '@grpc/grpc-js';
import fc from 'fast-check';
import { AllowedHosts } from '../domain/allowed-hosts.js';
import { EndpointRules } from './endpoint-rules.js';
import { callerOf, reachOf, type Caller } from './reach.js';

const trackerHost = { addresses: () => ['10.0.0.1', 'fd99::1'] };

function from(seen: string, reached = '10.0.0.1'): Caller {
  const metadata = new Metadata();
  metadata.set('enjambre-reached-at', reached);
  return callerOf({ peer: `${seen}:51234`, metadata });
}

function refusal(claim: string, caller: Caller, ...allowed: string[]): string | undefined {
  return new EndpointRules(new AllowedHosts(allowed), trackerHost).refusalOf(parseTcpAddress(claim), caller);
}

const beside = from('127.0.0.1', '127.0.0.1');
const bob = from('10.0.0.2');

describe('an endpoint is accepted', () => {
  test.each([
    ['at the address that the tracker sees', '10.0.0.2:7072', bob],
    ['at that address in another form', '[::ffff:a00:2]:7072', bob],
    ['at the IPv6 address that the tracker sees', '[FD99:0::7]:7072', from('fd99::7')],
    ['without a host', ':7072', bob],
    ['on all IPv4 addresses', '0.0.0.0:7072', bob],
    ['on loopback beside the tracker', '127.0.0.1:7072', beside],
    ['on localhost beside the tracker', 'localhost:7072', beside],
    ['on another loopback address beside the tracker', '127.8.9.10:7072', beside],
    ['on loopback on the tracker’s host', '[::1]:7072', from('10.0.0.1', '10.0.0.1')],
    ['at an address of the tracker’s host beside the tracker', '[fd99::1]:7072', beside],
  ])('%s', (_, claim, caller) => expect(refusal(claim, caller)).toBeUndefined());

  test.each([
    ['203.0.113.7:7072', '203.0.113.0/24'],
    ['[2001:db8::7]:7072', '2001:db8::/32'],
    ['bob.example.com:7072', '*.example.com'],
    ['bob:7072', 'bob'],
  ])('at %s if the tracker allows %s', (claim, allowed) => {
    expect(refusal(claim, bob)).toBe('NOT_VERIFIED');
    expect(refusal(claim, bob, allowed)).toBeUndefined();
  });
});

describe('an endpoint is refused', () => {
  test.each([
    ['at the address of another agent', '10.0.0.3:7072', bob, 'NOT_VERIFIED'],
    ['at an address of the tracker’s host for an agent elsewhere', '10.0.0.1:7072', bob, 'NOT_VERIFIED'],
    ['at any address for an agent beside the tracker', '10.0.0.9:7072', beside, 'NOT_VERIFIED'],
    ['at a name', 'localhost.example.com:7072', beside, 'NOT_VERIFIED'],
    ['at a number that resolvers read as an address', '2130706433:6379', bob, 'NOT_VERIFIED'],
    ['at an address in a short form', '127.1:6379', bob, 'NOT_DIALABLE'],
    ['on loopback for an agent elsewhere', '127.0.0.1:6379', bob, 'NOT_DIALABLE'],
    ['on localhost for an agent elsewhere', 'LOCALHOST:6379', bob, 'NOT_DIALABLE'],
    ['on loopback in IPv6 form', '[::ffff:7f00:1]:6379', bob, 'NOT_DIALABLE'],
  ])('%s', (_, claim, caller, reason) => expect(refusal(claim, caller)).toBe(reason));

  test.each([
    '169.254.169.254:80',
    '[fe80::1%eth0]:7072',
    '[fe80::1]:7072',
    '224.0.0.1:7072',
    '[ff02::1]:7072',
    '255.255.255.255:7072',
    '0.1.2.3:7072',
    '[::7f00:2]:7072',
    '127.0.0.1:7072',
    '[::1]:7072',
  ])('at %s, which cannot be allowed', (claim) => {
    expect(refusal(claim, bob, '0.0.0.0/0', '::/0')).toBe('NOT_DIALABLE');
    if (!/127|::1\]/.test(claim)) expect(refusal(claim, beside, '0.0.0.0/0', '::/0')).toBe('NOT_DIALABLE');
  });
});

test('whatever a stranger claims, others receive only the address at which the tracker sees it', () => {
  const host = fc.oneof(
    fc.ipV4(),
    fc.ipV6().map((text) => `[${text}]`),
    fc.ipV4().map((text) => `[::ffff:${text}]`),
    fc.domain(),
    fc.constantFrom(
      '',
      '0.0.0.0',
      '[::]',
      '0',
      'localhost',
      '127.1',
      '0x7f.1',
      '10.0.0.1',
      '10.0.0.2',
      '[::1]',
      '[fe80::1%eth0]',
    ),
  );
  const claims = fc.array(fc.tuple(host, fc.integer({ min: 1, max: 65_535 })), { maxLength: 16 });
  const rules = new EndpointRules(new AllowedHosts([]), trackerHost);
  fc.assert(
    fc.property(claims, fc.constantFrom('10.0.0.2', 'fd99::2'), (claimed, seen) => {
      const caller = from(seen);
      const addresses = claimed.map(([at, port]) => parseTcpAddress(`${at}:${port}`));
      const accepted = addresses.filter((address) => rules.refusalOf(address, caller) === undefined);
      const { elsewhere, ownHost, ports } = reachOf(accepted, caller);
      expect([ownHost, ports]).toEqual([[], []]);
      for (const endpoint of elsewhere) {
        const address = IpAddress.parse(parseTcpAddress(endpoint).host);
        expect(address?.equals(IpAddress.parse(seen) as IpAddress)).toBe(true);
      }
    }),
    { numRuns: 1000 },
  );
});
