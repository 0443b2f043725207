import { isIPv6, SocketAddress } from 'node:net';
import { isLoopbackHost, plainHost, type Address, type TcpAddress } from '@enjambre/common/config/address';
import { EnjambreError } from '@enjambre/core/error';
import { IpAddress, type AddressKind } from '@enjambre/core/ip-address';
import { leadsHere } from '../../own-addresses.js';

export interface EndpointGuardInit {
  /** Where this agent listens: for other agents first, then for control and for metrics. */
  readonly servers: () => readonly Address[];
  /** True if the tracker in use is on this machine: then other agents are, too. */
  readonly trackerIsHere: () => boolean;
  /** False without TLS, unless plaintext is allowed: then it dials no other machine. @default true */
  readonly mayLeaveHost?: boolean;
}

/** Why an address is not dialed. */
export interface Refusal {
  readonly reason: 'NO_ENDPOINT' | 'ADDRESS_REFUSED';
  /** The kind of address, for people. */
  readonly what: string;
}

/**
 * Checks addresses that strangers name: peers announce them, and a tracker passes them on. An agent must not be a tool
 * to reach what its host can reach and the stranger cannot.
 */
export class EndpointGuard {
  constructor(private readonly init: EndpointGuardInit) {}

  /** Why this address is not dialed; undefined if it is. Its host is an IP address. */
  refusal({ host: text, port }: TcpAddress): Refusal | undefined {
    const host = canonical(text);
    const address: TcpAddress = { kind: 'tcp', host, port };
    if (this.init.servers().some((bound) => leadsHere(address, bound)))
      return { reason: 'NO_ENDPOINT', what: 'which is not reachable from here' };
    const kind = IpAddress.parse(host)?.kind;
    if (port === 0 || kind === undefined) return refused('which is no complete address');
    if (kind === 'loopback' && this.#mayDialLoopback) return undefined;
    if (kind === 'unicast' && this.init.mayLeaveHost === false) return refused(ELSEWHERE);
    return kind === 'unicast' ? undefined : refused(WHAT[kind]);
  }

  /** An agent that listens only on loopback has no other peers. */
  get #mayDialLoopback(): boolean {
    const [own] = this.init.servers();
    return this.init.trackerIsHere() || (own?.kind === 'tcp' && isLoopbackHost(own.host));
  }
}

/** The error for a peer that has no other address. */
export function notDialed(name: string, endpoint: string, { reason, what }: Refusal): EnjambreError {
  const message = `${name} is announced at ${endpoint}, ${what}: configure it to listen on, or to advertise, an address that others can reach`;
  return new EnjambreError('unavailable', reason, message);
}

function refused(what: string): Refusal {
  return { reason: 'ADDRESS_REFUSED', what };
}

/** Addresses that lead to no agent elsewhere, in the words for people. */
const WHAT: Readonly<Record<Exclude<AddressKind, 'unicast'>, string>> = {
  loopback: 'a loopback address, although the tracker is on another machine',
  'link-local': 'a link-local address',
  multicast: 'a multicast address',
  unspecified: 'an unspecified or reserved address',
  reserved: 'an unspecified or reserved address',
};

const ELSEWHERE = 'on another machine, which this agent must not reach without a certificate';

/** One text for each address; an IPv4-mapped one as IPv4. */
function canonical(text: string): string {
  const host = text.replace(/%.*$/, '');
  return isIPv6(host) ? plainHost(new SocketAddress({ address: host, family: 'ipv6' }).address) : host;
}
