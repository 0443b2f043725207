import { isIPv4 } from 'node:net';
import { formatAddress } from '@enjambre/common/config/address';
import type { ReplicaSession } from '@enjambre/proto/gen/enjambre/tracker/v1/replica';
import { HERE, type Reach } from '../../domain/peer.js';
import type { ReplicaId } from '../../domain/replica-state.js';
import { MAX_ENDPOINTS } from '../reach.js';
import type { TrackerHost } from '../tracker-host.js';
import { malformed, shortText, toEndpoint } from './malformed.js';

/** The sender and the receiver of a session's reach. */
export interface Between {
  /** The tracker that sends the session. */
  readonly replica: ReplicaId;
  /** The host of the receiving tracker. */
  readonly host: TrackerHost;
}

type ReachFields = Pick<ReplicaSession, 'endpoints' | 'ownHostEndpoints' | 'host' | 'hostId' | 'ports'>;

const MAX_HOST_ID_CHARS = 64;
const MAX_PORTS = 16;
const MAX_PORT = 65_535;

/**
 * Encodes a reach for other trackers. Requesters there cannot reach this tracker's host at the address of
 * their own tracker: for a peer on this host, the addresses of the host's interfaces are sent.
 */
export function fromReach({ elsewhere, ownHost, host, ports }: Reach, trackerHost: TrackerHost): ReachFields {
  return {
    endpoints: ports.length === 0 ? [...elsewhere] : withInterfaces(elsewhere, ports, trackerHost),
    ownHostEndpoints: [...ownHost],
    host,
    hostId: host === HERE ? trackerHost.id : '',
    ports: ports.map((port) => ({ ...port })),
  };
}

/**
 * Decodes a reach. A tracker of an older version sends only one endpoint, or no host. Throws `invalid`
 * BAD_REPLICA_MESSAGE.
 */
export function toReach(session: ReplicaSession, between: Between): Reach {
  const { endpoint, endpoints, ownHostEndpoints } = session;
  if (endpoints.length + ownHostEndpoints.length > 2 * MAX_ENDPOINTS)
    throw malformed('it has too many endpoints');
  const host = toHost(session, between);
  const ports = toPorts(session);
  const where = { host, ports: host === HERE ? ports : [] };
  if (endpoints.length + ownHostEndpoints.length > 0)
    return { elsewhere: endpoints.map(toEndpoint), ownHost: ownHostEndpoints.map(toEndpoint), ...where };
  if (endpoint === '') return { elsewhere: [], ownHost: [], ...where };
  const isOwn = /^(127\.|\[::1\]|localhost:)/.test(endpoint);
  const only = [toEndpoint(endpoint)];
  return { elsewhere: isOwn ? [] : only, ownHost: isOwn ? only : [], ...where };
}

/** The host of the sending tracker is this tracker's host only if both have the same host id. */
function toHost({ host, hostId }: ReplicaSession, { replica, host: reader }: Between): string {
  const id = shortText(hostId, MAX_HOST_ID_CHARS);
  if (host !== HERE) return toEndpoint(host);
  if (id === reader.id) return HERE;
  return `host of tracker ${id || replica}`;
}

function toPorts({ ports }: ReplicaSession): Reach['ports'] {
  if (ports.length > MAX_PORTS) throw malformed('it has too many ports');
  if (ports.some(({ port }) => port < 1 || port > MAX_PORT)) throw malformed('it has an invalid port');
  return ports.map(({ port, onlyIpv4 }) => ({ port, onlyIpv4 }));
}

function withInterfaces(
  elsewhere: readonly string[],
  ports: Reach['ports'],
  { addresses }: TrackerHost,
): string[] {
  const atInterfaces = addresses().flatMap((address) => at(address, ports));
  return [...new Set([...elsewhere, ...atInterfaces])].slice(0, MAX_ENDPOINTS);
}

function at(address: string, ports: Reach['ports']): string[] {
  return ports
    .filter(({ onlyIpv4 }) => !onlyIpv4 || isIPv4(address))
    .map(({ port }) => formatAddress({ kind: 'tcp', host: address, port }));
}
