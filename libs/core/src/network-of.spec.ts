import { expect, test } from '@jest/globals';
import { networkOf } from './network-of.js';

test.each([
  ['10.0.0.7:50123', '10.0.0.7'],
  ['[::ffff:10.0.0.7]:50123', '10.0.0.7'],
  ['[2001:db8:1:2:3:4:5:6]:1', '2001:db8:1:2::/64'],
  ['[2001:0DB8:0001:0002::9]:1', '2001:db8:1:2::/64'],
  ['[2001:db8::1]:1', '2001:db8:0:0::/64'],
  ['[fe80::1%eth0]:7070', 'fe80:0:0:0::/64'],
  ['[::1]:7070', '0:0:0:0::/64'],
  // As grpc-js writes them.
  ['::ffff:10.0.0.7:50123', '10.0.0.7'],
  ['2001:db8:1:2:3:4:5:6:50123', '2001:db8:1:2::/64'],
  ['2001:db8::1:50123', '2001:db8:0:0::/64'],
  ['::1:50123', '0:0:0:0::/64'],
  ['fe80::1%eth0:50123', 'fe80:0:0:0::/64'],
  ['unix:/run/agent.sock', 'unix:/run/agent.sock'],
  ['unix:/run/agent.sock:80', 'unix:/run/agent.sock:80'],
  ['', ''],
])('the network of %s is %s', (peer, network) => {
  expect(networkOf(peer)).toBe(network);
});

test('two addresses of one /64 are one network, of two are not', () => {
  expect(networkOf('[2001:db8::1]:1')).toBe(networkOf('[2001:db8::ffff:1]:2'));
  expect(networkOf('[2001:db8::1]:1')).not.toBe(networkOf('[2001:db8:0:1::1]:1'));
});
