import { networkInterfaces } from 'node:os';
import {
  formatAddress,
  isLoopbackHost,
  isUnspecifiedHost,
  type Address,
  type TcpAddress,
} from '@enjambre/common/config/address';
import { interfaceHosts } from '@enjambre/common/config/interface-hosts';

/** Maximum number of interface addresses announced: Hello takes 16, and one is the address that the tracker sees. */
const MAX_INTERFACES = 15;
/**
 * The addresses at which a server may be reached, for the tracker: each "host:port", best first. For an empty host or
 * 0.0.0.0 the tracker substitutes the address that it sees.
 */
export function endpointsOf(bound: Address): readonly string[] {
  if (bound.kind !== 'tcp' || !isUnspecifiedHost(bound.host)) return [formatAddress(bound)];
  const onlyIpv4 = bound.host === '0.0.0.0';
  const hosts = [onlyIpv4 ? bound.host : '', ...interfaceHosts({ onlyIpv4 }).slice(0, MAX_INTERFACES)];
  return hosts.map((host) => formatAddress({ ...bound, host }));
}

/** True if dialing this address from this machine reaches the server bound to `bound`. */
export function leadsHere({ host, port }: TcpAddress, bound: Address): boolean {
  if (bound.kind !== 'tcp' || port !== bound.port) return false;
  if (!isUnspecifiedHost(bound.host)) return host === bound.host;
  return isUnspecifiedHost(host) || isHere(host);
}

/** True for a host that is this machine: a loopback address, or that of an interface. */
export function isHere(host: string): boolean {
  if (isLoopbackHost(host)) return true;
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === host));
}
