import { networkInterfaces } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { isLinkLocalHost, isLoopbackHost, parseTcpAddress } from '@enjambre/common/config/address';
import { endpointsOf, leadsHere } from './own-addresses.js';

const bound = (text: string): ReturnType<typeof parseTcpAddress> => parseTcpAddress(text);
const hosts = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);

describe('the addresses of an agent', () => {
  it('are those of all interfaces except loopback and link-local ones, after the one that the tracker sees', () => {
    const [first, ...others] = endpointsOf(bound('[::]:7072'));
    expect(first).toBe(':7072');
    const shown = hosts.filter((host) => !isLoopbackHost(host) && !isLinkLocalHost(host)).slice(0, 15);
    expect(others.map((text) => parseTcpAddress(text).host).sort()).toEqual([...new Set(shown)].sort());
  });

  it('are only IPv4 if it listens only on IPv4', () => {
    const [first, ...others] = endpointsOf(bound('0.0.0.0:7072'));
    expect(first).toBe('0.0.0.0:7072');
    expect(others.filter((text) => text.includes('['))).toEqual([]);
  });

  it('are only the one on which it listens', () => {
    expect(endpointsOf(bound('10.0.0.7:7072'))).toEqual(['10.0.0.7:7072']);
    expect(endpointsOf(bound('[::1]:7072'))).toEqual(['[::1]:7072']);
  });
});

describe('an address reaches the agent itself', () => {
  it("if it is any address of this machine, with the agent's port", () => {
    const at = (text: string): boolean => leadsHere(parseTcpAddress(text), bound('[::]:7072'));
    for (const host of hosts)
      expect(leadsHere({ kind: 'tcp', host, port: 7072 }, bound('[::]:7072'))).toBe(true);
    expect(['127.0.0.1:7072', '[::1]:7072', 'localhost:7072', '0.0.0.0:7072'].map(at)).toEqual(
      Array(4).fill(true),
    );
    expect(['127.0.0.1:7073', '192.0.2.1:7072', '[2001:db8::1]:7072'].map(at)).toEqual(Array(3).fill(false));
  });

  it('only if it is the address on which the agent listens, when it listens on one', () => {
    const at = (text: string): boolean => leadsHere(parseTcpAddress(text), bound('127.0.0.1:7072'));
    expect(['127.0.0.1:7072', '127.0.0.2:7072', '127.0.0.1:1'].map(at)).toEqual([true, false, false]);
  });
});
