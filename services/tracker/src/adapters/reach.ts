import { isIPv4 } from 'node:net';
import {
  formatAddress,
  isLinkLocalHost,
  isLoopbackHost,
  isUnspecifiedHost,
  plainHost,
  type TcpAddress,
} from '@enjambre/common/config/address';
import { IpAddress } from '@enjambre/core/ip-address';
import { reachedAt } from '@enjambre/rpc/reached-at';
import type { Metadata } from '@grpc/grpc-js';
import { HERE, type PeerInfo, type Reach } from '../domain/peer.js';
import type { Standpoint } from '../domain/reach-group.js';

/** Location of a caller, as seen on its connection. */
export interface Caller {
  /** The caller's address, as seen by the tracker. */
  readonly seen: string;
  /** The address at which the caller reached the tracker; empty if unknown. */
  readonly reached: string;
  /** {@link HERE} if it is on the tracker's host, otherwise its address as seen by the tracker. */
  readonly host: string;
}

/** Maximum number of a peer's endpoints in an answer. */
export const MAX_ENDPOINTS = 20;
const LOOPBACK = '127.0.0.1';

/** @param peer "host:port" in grpc-js's form: without brackets */
export function callerOf({ peer, metadata }: { peer: string; metadata: Metadata }): Caller {
  const seen = plainHost(peer.slice(0, peer.lastIndexOf(':')));
  const reached = reachedAt(metadata);
  return { seen, reached, host: isLoopbackHost(seen) || seen === reached ? HERE : seen };
}

/**
 * The endpoints of a peer with these claims, all accepted; none without claims. An unspecified host stands for the
 * address that the tracker sees.
 */
export function reachOf(claims: readonly TcpAddress[], { seen, host }: Caller): Reach {
  const elsewhere = new Set<string>();
  const ownHost = new Set<string>();
  const ports: Reach['ports'][number][] = [];
  const put = (at: string, port: number): void => {
    const list = isOnlyOwnHost(at) ? ownHost : elsewhere;
    list.add(formatAddress({ kind: 'tcp', host: at, port }));
  };
  const unspecified = claims.filter(({ host: claimed }) => isUnspecifiedHost(claimed));
  for (const { host: claimed, port } of claims) {
    const onlyIpv4 = claimed === '0.0.0.0';
    const fits = !onlyIpv4 || isIPv4(seen);
    if (!isUnspecifiedHost(claimed)) put(claimed, port);
    else if (host !== HERE && fits) put(seen, port);
    else if (host === HERE) {
      put(fits ? seen : LOOPBACK, port);
      ports.push({ port, onlyIpv4 });
    }
  }
  // The address that we see may not be one that it listens on, but it is the only one.
  if (elsewhere.size + ownHost.size === 0) for (const { port } of unspecified) put(seen, port);
  return { elsewhere: [...elsewhere], ownHost: [...ownHost], host, ports };
}

/** True for an address that leads to another machine from each machine. */
function isOnlyOwnHost(host: string): boolean {
  if (isLoopbackHost(host) || isLinkLocalHost(host)) return true;
  const kind = IpAddress.parse(host)?.kind;
  return kind === 'loopback' || kind === 'link-local';
}

/** The kind of address at which the caller reaches peers on the tracker's host. */
export function trackerAt({ reached }: Caller): Standpoint['trackerAt'] {
  if (reached === '' || isLoopbackHost(reached) || isLinkLocalHost(reached)) return undefined;
  return isIPv4(reached) ? 'ipv4' : 'ipv6';
}

/**
 * Endpoints at which `asker` may reach a peer, best first; empty if there are none. Consistent with the reach
 * groups of the domain.
 */
export function endpointsFor({ reach }: PeerInfo, asker: Caller): readonly string[] {
  const { elsewhere, ownHost, ports } = reach;
  const isNeighbour = asker.host === reach.host;
  if (!isNeighbour && ports.length === 0) return elsewhere;
  const besides = isNeighbour ? ownHost : whereTrackerIs(ports, asker);
  const all = isNeighbour ? [...elsewhere, ...besides] : [...besides, ...elsewhere];
  return [...new Set(all)].slice(0, MAX_ENDPOINTS);
}

/** The peer is on the tracker's host: the asker reaches it at the address at which it reached the tracker. */
function whereTrackerIs(ports: Reach['ports'], asker: Caller): string[] {
  const at = trackerAt(asker);
  if (at === undefined) return [];
  return ports
    .filter(({ onlyIpv4 }) => !onlyIpv4 || at === 'ipv4')
    .map(({ port }) => formatAddress({ kind: 'tcp', host: asker.reached, port }));
}
