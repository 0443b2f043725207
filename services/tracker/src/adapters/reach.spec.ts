import { describe, expect, test } from '@jest/globals';
import { parseTcpAddress } from '@enjambre/common/config/address';
import { Metadata } from '@grpc/grpc-js';
import { samplePeer } from '../../test/samples.js';
import type { PeerInfo } from '../domain/peer.js';
import { groupOf, groupsReachedFrom } from '../domain/reach-group.js';
import { callerOf, endpointsFor, MAX_ENDPOINTS, reachOf, trackerAt, type Caller } from './reach.js';

/** A caller from `seen` that reached the tracker's host at this address. */
function from(seen: string, reached = '10.0.0.1'): Caller {
  const metadata = new Metadata();
  metadata.set('enjambre-reached-at', reached);
  return callerOf({ peer: `${seen}:51234`, metadata });
}

/** An agent with these claims. */
function agent(caller: Caller, ...claims: string[]): PeerInfo {
  return { ...samplePeer(1), reach: reachOf(claims.map(parseTcpAddress), caller) };
}

const onTrackersHost = from('127.0.0.1', '127.0.0.1');
const onHost2 = from('10.0.0.2');
const onHost3 = from('10.0.0.3');

describe('an agent on its tracker’s host', () => {
  const alice = agent(onTrackersHost, ':7072');

  test('is reached from other hosts at the address of the tracker, not at its loopback address', () => {
    expect(endpointsFor(alice, onHost2)).toEqual(['10.0.0.1:7072']);
    expect(endpointsFor(alice, from('10.9.0.2', '10.9.0.1'))).toEqual(['10.9.0.1:7072']);
    expect(endpointsFor(alice, from('fd99::2', 'fd99::1'))).toEqual(['[fd99::1]:7072']);
    expect(endpointsFor(alice, from('::ffff:10.0.0.2', '::ffff:10.0.0.1'))).toEqual(['10.0.0.1:7072']);
  });

  test('is reached from the same host at its loopback address, also if the tracker was reached at another address', () => {
    expect(endpointsFor(alice, onTrackersHost)).toEqual(['127.0.0.1:7072']);
    expect(endpointsFor(alice, from('10.0.0.1', '10.0.0.1'))).toEqual(['127.0.0.1:7072']);
  });

  test('also has the addresses of its own interfaces', () => {
    const interfaces = agent(onTrackersHost, ':7072', '10.0.0.1:7072', '[fd99::1]:7072');
    expect(endpointsFor(interfaces, onHost2)).toEqual(['10.0.0.1:7072', '[fd99::1]:7072']);
    expect(endpointsFor(interfaces, from('10.0.0.2', '172.17.0.9'))).toEqual([
      '172.17.0.9:7072',
      '10.0.0.1:7072',
      '[fd99::1]:7072',
    ]);
    // A proxy beside the tracker hides the location of the asker: the loopback address comes last.
    expect(endpointsFor(interfaces, onTrackersHost)).toEqual([
      '10.0.0.1:7072',
      '[fd99::1]:7072',
      '127.0.0.1:7072',
    ]);
  });

  test('that listens on IPv4 only is not offered at an IPv6 address', () => {
    const ipv4 = agent(from('::1', '::1'), '0.0.0.0:7072', '10.0.0.1:7072');
    expect(endpointsFor(ipv4, from('fd99::2', 'fd99::1'))).toEqual(['10.0.0.1:7072']);
    expect(endpointsFor(ipv4, onTrackersHost)).toEqual(['10.0.0.1:7072', '127.0.0.1:7072']);
  });

  test('that listens on loopback only is not offered to other hosts', () => {
    for (const claim of ['127.0.0.1:7072', '[::1]:7072', 'localhost:7072']) {
      const hidden = agent(onTrackersHost, claim);
      expect(endpointsFor(hidden, onHost2)).toEqual([]);
      expect(endpointsFor(hidden, onTrackersHost)).toEqual([claim]);
    }
  });

  test('that advertises an address is reached only there', () => {
    const advertised = agent(onTrackersHost, '192.0.2.1:9000');
    expect(endpointsFor(advertised, onHost2)).toEqual(['192.0.2.1:9000']);
    expect(endpointsFor(advertised, onTrackersHost)).toEqual(['192.0.2.1:9000']);
  });
});

describe('an agent on another host', () => {
  test('is reached where the tracker sees it, and at its own interfaces', () => {
    const bob = agent(onHost2, ':7072', '172.17.0.2:7072');
    expect(endpointsFor(bob, onHost3)).toEqual(['10.0.0.2:7072', '172.17.0.2:7072']);
    expect(endpointsFor(bob, onTrackersHost)).toEqual(['10.0.0.2:7072', '172.17.0.2:7072']);
  });

  test('offers its loopback address only to peers on its host', () => {
    const bob = agent(onHost2, '127.0.0.1:7072');
    expect(endpointsFor(bob, onHost2)).toEqual(['127.0.0.1:7072']);
    expect(endpointsFor(bob, onHost3)).toEqual([]);
    expect(endpointsFor(bob, onTrackersHost)).toEqual([]);
  });

  test('does not offer link-local addresses to other hosts', () => {
    const bob = agent(onHost2, ':7072', '[fe80::2]:7072', '169.254.0.2:7072');
    expect(endpointsFor(bob, onHost3)).toEqual(['10.0.0.2:7072']);
  });

  test('that listens on IPv4 only and connects over IPv6 is reached at its interfaces', () => {
    const bob = agent(from('fd99::2', 'fd99::1'), '0.0.0.0:7072', '10.0.0.2:7072');
    expect(endpointsFor(bob, onHost3)).toEqual(['10.0.0.2:7072']);
  });

  test('with too many addresses is offered at some of them', () => {
    const many = agent(onTrackersHost, ':1', ...[...Array(30).keys()].map((n) => `10.0.1.${n}:1`));
    expect(endpointsFor(many, onHost2)).toHaveLength(MAX_ENDPOINTS);
  });
});

describe('reachability', () => {
  const callers = [
    ...['127.0.0.1', '::1', '10.0.0.2', 'fd99::2'].flatMap((seen) =>
      ['127.0.0.1', '10.0.0.1', 'fd99::1', 'fe80::1', ''].map((reached) => from(seen, reached)),
    ),
    from('10.0.0.1'),
  ];
  const claims = [
    [],
    [':7072'],
    ['0.0.0.0:7072'],
    ['127.0.0.1:7072'],
    ['[fe80::2]:7072'],
    ['192.0.2.1:9000'],
    ['0.0.0.0:7072', '127.0.0.1:7073'],
    [':7072', '10.0.0.7:7072'],
  ];

  test.each(claims.map((claimed) => [claimed]))('by groups equals that by addresses: %j', (claimed) => {
    let unreached = 0;
    for (const owner of callers) {
      const peer = agent(owner, ...claimed);
      for (const asker of callers) {
        const groups = groupsReachedFrom({ host: asker.host, trackerAt: trackerAt(asker) });
        const endpoints = endpointsFor(peer, asker);
        expect([owner, asker, groups.includes(groupOf(peer.reach))]).toEqual([
          owner,
          asker,
          endpoints.length > 0,
        ]);
        if (endpoints.length === 0) unreached += 1;
      }
    }
    if (claimed.join() === '127.0.0.1:7072') expect(unreached).toBeGreaterThan(0);
  });
});
