import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';
import { isLoopbackHost, plainHost, type Address, type TcpAddress } from '@enjambre/common/config/address';
import { EnjambreError } from '@enjambre/core/error';
import { leadsHere } from '../../own-addresses.js';

export interface EndpointGuardInit {
  /** Where this agent listens: for other agents first, then for control and for metrics. */
  readonly servers: () => readonly Address[];
  /** True if the tracker in use is on this machine: then other agents are, too. */
  readonly trackerIsHere: () => boolean;
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
    if (port === 0 || isIP(host) === 0) return refused('which is no complete address');
    if (has(LOOPBACK, host)) {
      if (this.#mayDialLoopback) return undefined;
      return refused('a loopback address, although the tracker is on another machine');
    }
    const kind = KINDS.find(({ list }) => has(list, host));
    return kind && refused(kind.what);
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

/** Addresses that lead to no agent elsewhere. The lists treat IPv4-mapped addresses as IPv4. */
const KINDS: readonly { readonly what: string; readonly list: BlockList }[] = [
  { what: 'a link-local address', list: listOf('169.254.0.0/16', 'fe80::/10') },
  { what: 'a multicast address', list: listOf('224.0.0.0/4', 'ff00::/8') },
  { what: 'an unspecified or reserved address', list: listOf('0.0.0.0/8', '::/96', '240.0.0.0/4') },
];
const LOOPBACK = listOf('127.0.0.0/8', '::1/128');

/** One text for each address; an IPv4-mapped one as IPv4. */
function canonical(text: string): string {
  const host = text.replace(/%.*$/, '');
  return isIPv6(host) ? plainHost(new SocketAddress({ address: host, family: 'ipv6' }).address) : host;
}

function listOf(...subnets: string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', bits] = subnet.split('/');
    list.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** Also for an IPv4-mapped address; never throws. */
function has(list: BlockList, host: string): boolean {
  if (isIPv4(host)) return list.check(host, 'ipv4');
  return isIPv6(host) && list.check(host, 'ipv6');
}
