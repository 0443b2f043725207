import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import {
  formatAddress,
  isLinkLocalHost,
  isLoopbackHost,
  isUnspecifiedHost,
  type Address,
  type TcpAddress,
} from '@enjambre/common/config/address';

/** So many addresses are told to others: Hello takes 16, and one is what the tracker sees. */
const MAX_INTERFACES = 15;
/** Bridges and tunnels of containers and virtual machines: of use to few, so they come last. */
const INNER = /^(docker|br-|veth|virbr|cni|cali|flannel|cilium|lxc|vnet|kube|nodelocaldns)/;

/** At which host addresses a server is reached that listens at an unspecified one: not at loopback nor link-local ones. */
function interfaceHosts(onlyIpv4: boolean): string[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.map(({ address }) => ({ address, inner: INNER.test(name) })),
  );
  const shown = all.filter(
    ({ address }) => !isLoopbackHost(address) && !isLinkLocalHost(address) && (!onlyIpv4 || isIPv4(address)),
  );
  const ordered = [...shown.filter(({ inner }) => !inner), ...shown.filter(({ inner }) => inner)];
  return [...new Set(ordered.map(({ address }) => address))].slice(0, MAX_INTERFACES);
}

/**
 * Where others may reach a server, for the tracker: each "host:port", best first. With an empty host or 0.0.0.0 the tracker
 * puts in what it sees.
 */
export function endpointsOf(bound: Address): readonly string[] {
  if (bound.kind !== 'tcp' || !isUnspecifiedHost(bound.host)) return [formatAddress(bound)];
  const onlyIpv4 = bound.host === '0.0.0.0';
  const hosts = [onlyIpv4 ? bound.host : '', ...interfaceHosts(onlyIpv4)];
  return hosts.map((host) => formatAddress({ ...bound, host }));
}

/** True if whoever dials this address from here reaches the server that is bound so. */
export function leadsHere({ host, port }: TcpAddress, bound: Address): boolean {
  if (bound.kind !== 'tcp' || port !== bound.port) return false;
  if (!isUnspecifiedHost(bound.host)) return host === bound.host;
  if (isLoopbackHost(host) || isUnspecifiedHost(host)) return true;
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === host));
}
