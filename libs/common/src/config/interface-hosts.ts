import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { isLinkLocalHost, isLoopbackHost } from './address.js';

/** Bridges and tunnels of containers and virtual machines: rarely reachable for others, so they come last. */
const INNER = /^(docker|br-|veth|virbr|cni|cali|flannel|cilium|lxc|vnet|kube|nodelocaldns)/;

/** Addresses of this host's interfaces, best first, without loopback and link-local addresses. */
export function interfaceHosts({ onlyIpv4 }: { readonly onlyIpv4: boolean }): string[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.map(({ address }) => ({ address, inner: INNER.test(name) })),
  );
  const shown = all.filter(
    ({ address }) => !isLoopbackHost(address) && !isLinkLocalHost(address) && (!onlyIpv4 || isIPv4(address)),
  );
  const ordered = [...shown.filter(({ inner }) => !inner), ...shown.filter(({ inner }) => inner)];
  return [...new Set(ordered.map(({ address }) => address))];
}
