import { BlockList, isIP } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { IpAddress, IpRange } from './ip-address.js';

const ipv4 = fc.ipV4();
const ipv6 = fc.ipV6();

describe('an IP address', () => {
  test.each([
    ['10.0.0.7', 'unicast'],
    ['192.168.1.1', 'unicast'],
    ['fd99::7', 'unicast'],
    ['2001:db8::7', 'unicast'],
    ['127.0.0.1', 'loopback'],
    ['127.255.0.9', 'loopback'],
    ['::1', 'loopback'],
    ['0:0:0:0:0:0:0:1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['169.254.169.254', 'link-local'],
    ['::FFFF:169.254.169.254', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['FEBF::1', 'link-local'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['ff02::1', 'multicast'],
    ['0.0.0.0', 'unspecified'],
    ['::', 'unspecified'],
    ['::ffff:0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['240.0.0.1', 'reserved'],
    ['::127.0.0.1', 'reserved'],
    ['::7f00:2', 'reserved'],
  ])('%s is %s', (text, kind) => expect(IpAddress.parse(text)?.kind).toBe(kind));

  test.each([
    '',
    'localhost',
    '127.1',
    '2130706433',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4.5',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '12345::',
    'g::',
    '10.0.0.1:',
    '::1.2.3',
    '1.2.3.4::',
  ])('is not %j', (text) => expect(IpAddress.parse(text)).toBeUndefined());

  test('is what Node takes for one, and nothing else', () => {
    const text = fc.oneof(ipv4, ipv6, fc.stringMatching(/^[0-9a-f:.]{1,20}$/));
    fc.assert(
      fc.property(text, (address) =>
        expect(IpAddress.parse(address) !== undefined).toBe(isIP(address) !== 0),
      ),
      { numRuns: 3000 },
    );
  });

  test('equals itself in other forms', () => {
    const one = (text: string): IpAddress => IpAddress.parse(text) as IpAddress;
    expect(one('fd99::7').equals(one('FD99:0:0:0:0:0:0:0007'))).toBe(true);
    expect(one('10.0.0.7').equals(one('::ffff:a00:7'))).toBe(true);
    expect(one('10.0.0.7').equals(one('::a00:7'))).toBe(false);
    expect(one('0.0.0.1').equals(one('::1'))).toBe(false);
  });
});

describe('a range of addresses', () => {
  test.each([
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0/8',
    'fd99::/129',
    'a.b/8',
    '/8',
    '10.0.0.0/8/8',
    '::ffff:10.0.0.0/95',
    'fe80::1%eth0',
  ])('is not %j', (text) => expect(IpRange.parse(text)).toBeUndefined());

  test('in IPv6 form contains the IPv4 addresses', () => {
    const range = IpRange.parse('::ffff:10.0.0.0/104');
    expect(range?.contains(IpAddress.parse('10.9.9.9') as IpAddress)).toBe(true);
    expect(range?.contains(IpAddress.parse('11.0.0.0') as IpAddress)).toBe(false);
  });

  test.each([
    ['ipv4', 32, ipv4],
    ['ipv6', 128, ipv6],
  ] as const)('of %s contains what Node’s block list contains', (family, bits, address) => {
    const near = fc.tuple(address, address, fc.integer({ min: 0, max: bits }), fc.boolean());
    fc.assert(
      fc.property(near, ([first, other, prefix, same]) => {
        const checked = same ? first : other;
        const list = new BlockList();
        list.addSubnet(first, prefix, family);
        const range = IpRange.parse(`${first}/${prefix}`);
        // Node compares IPv4 addresses in IPv6 form with IPv6 ranges.
        const parsed = [first, checked].map((text) => IpAddress.parse(text) as IpAddress);
        fc.pre(parsed.every((one) => one.bits === bits));
        expect(range?.contains(parsed[1] as IpAddress)).toBe(list.check(checked, family));
      }),
      { numRuns: 1000 },
    );
  });
});
