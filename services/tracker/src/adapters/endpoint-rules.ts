import { isLoopbackHost, isUnspecifiedHost, type TcpAddress } from '@enjambre/common/config/address';
import { IpAddress } from '@enjambre/core/ip-address';
import type { AllowedHosts } from '../domain/allowed-hosts.js';
import { HERE } from '../domain/peer.js';
import type { Caller } from './reach.js';
import type { TrackerHost } from './tracker-host.js';

/** Why agents elsewhere do not receive an endpoint: it is not known to be the agent's, or no one may dial it. */
export type Refusal = 'NOT_VERIFIED' | 'NOT_DIALABLE';

/**
 * Decides which endpoints of an agent others receive. Each agent dials what it receives, so an agent may only name hosts
 * that are its own: the address that this tracker sees, on this tracker's host also the addresses of that host, and
 * what the operator allows. A name leads to any address that its owner chooses, so it must be allowed.
 */
export class EndpointRules {
  constructor(
    private readonly allowed: AllowedHosts,
    private readonly trackerHost: Pick<TrackerHost, 'addresses'>,
  ) {}

  /** Undefined if the endpoint is accepted. */
  refusalOf({ host }: TcpAddress, { seen, host: from }: Caller): Refusal | undefined {
    if (isUnspecifiedHost(host) || host === seen) return undefined;
    if (isLoopbackHost(host)) return from === HERE ? undefined : 'NOT_DIALABLE';
    const address = IpAddress.parse(host);
    if (!address) return this.allowed.allows(host) ? undefined : 'NOT_VERIFIED';
    if (isSame(address, seen)) return undefined;
    if (address.kind === 'loopback' && from === HERE) return undefined;
    if (address.kind !== 'unicast') return 'NOT_DIALABLE';
    if (this.allowed.allows(host)) return undefined;
    const isHere = from === HERE && this.trackerHost.addresses().some((own) => isSame(address, own));
    return isHere ? undefined : 'NOT_VERIFIED';
  }
}

function isSame(address: IpAddress, text: string): boolean {
  const other = IpAddress.parse(text);
  return other !== undefined && address.equals(other);
}
