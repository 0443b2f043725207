import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { Hello } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { Metadata } from '@grpc/grpc-js';
import { AllowedHosts } from '../domain/allowed-hosts.js';
import { EndpointRules } from './endpoint-rules.js';
import { acceptHello } from './hello.js';
import { callerOf, endpointsFor, type Caller } from './reach.js';

const NAT = '198.51.100.7';
const CLAIMS = [':7072', '192.168.1.5:7072', '169.254.169.254:80', 'example.com:7072'];

function from(seen: string): Caller {
  const metadata = new Metadata();
  metadata.set('enjambre-reached-at', '203.0.113.1');
  return callerOf({ peer: `${seen}:51234`, metadata });
}

function greet(caller: Caller): ReturnType<typeof acceptHello> {
  const identity = PeerIdentity.generate();
  const nonce = randomBytes(32);
  const hello = Hello.create({
    name: 'bob',
    endpoint: ':7072',
    endpoints: CLAIMS,
    publicKey: identity.publicKey,
    signature: identity.signHello('tracker', nonce),
  });
  const rules = new EndpointRules(new AllowedHosts([]), { addresses: () => ['203.0.113.1'] });
  return acceptHello(hello, { nonce, serverKey: undefined, caller, rules });
}

describe('an address that the tracker cannot verify', () => {
  test('goes to agents that it sees at the same address: behind one NAT they reach each other nowhere else', () => {
    const { peer, refused } = greet(from(NAT));
    expect(refused.map(({ endpoint }) => endpoint)).toEqual(CLAIMS.slice(1));
    expect(endpointsFor(peer, from(NAT))).toEqual([`${NAT}:7072`, '192.168.1.5:7072']);
  });

  test('goes to nobody else, and to nobody on the host of the tracker', () => {
    expect(endpointsFor(greet(from(NAT)).peer, from('198.51.100.8'))).toEqual([`${NAT}:7072`]);
    const beside = greet(from('127.0.0.1')).peer;
    expect(endpointsFor(beside, from('127.0.0.1'))).toEqual(['127.0.0.1:7072']);
  });
});
