import { isIPv6 } from 'node:net';
import {
  formatAddress,
  isUnspecifiedHost,
  parseTcpAddress,
  type TcpAddress,
} from '@enjambre/common/config/address';
import { badHello, checkHello, openHello, type ServiceTerms } from '@enjambre/common/identity/hello';
import { messageOf } from '@enjambre/core/error';
import { IpAddress } from '@enjambre/core/ip-address';
import { labelsFault } from '@enjambre/core/labels';
import { Hello } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { HERE, mainEndpoint, type PeerInfo } from '../domain/peer.js';
import type { EndpointRules, Refusal } from './endpoint-rules.js';
import { reachOf, type Caller } from './reach.js';

/** The last millisecond of the year 9999: leaves room for later epochs. */
const MAX_EPOCH = 253_402_300_799_999n;
/** Maximum number of an agent's endpoints. */
const MAX_CLAIMS = 16;
const HOST_NAME = /^[A-Za-z0-9._-]{1,253}$/;

/** An accepted hello. */
interface Introduction {
  readonly peer: PeerInfo;
  /** Undefined if the agent sent none. */
  readonly epoch: number | undefined;
  /** Its endpoints that agents elsewhere do not receive. */
  readonly refused: readonly { readonly endpoint: string; readonly reason: Refusal }[];
}

interface JudgedClaim {
  readonly claim: TcpAddress;
  /** Undefined if it is accepted. */
  readonly reason: Refusal | undefined;
}

/** The values that a hello is checked against. */
interface HelloTerms extends ServiceTerms {
  readonly caller: Caller;
  readonly rules: EndpointRules;
}

/**
 * Verifies a hello and returns the peer.
 *
 * @throws `invalid` BAD_HELLO, `unauthenticated` BAD_SIGNATURE
 */
export function acceptHello(received: Hello, terms: HelloTerms): Introduction {
  const { caller, rules } = terms;
  const hello = openHello(received, Hello, terms);
  checkLabels(hello.labels);
  const claims = claimsOf(hello).map((claim) => ({ claim, reason: rules.refusalOf(claim, caller) }));
  const { id, name } = checkHello('tracker', hello, terms);
  const { labels, version } = hello;
  const accepted = claims.filter(({ reason }) => reason === undefined);
  const verified = reachOf(
    accepted.map(({ claim }) => claim),
    caller,
  );
  const reach = { ...verified, ownHost: [...verified.ownHost, ...forNeighbours(claims, caller)] };
  const refused = claims.flatMap(({ claim, reason }) =>
    reason === undefined ? [] : [{ endpoint: formatAddress(claim), reason }],
  );
  const peer = { id, name, endpoint: mainEndpoint(reach), reach, labels, version };
  return { peer, epoch: toEpoch(hello.epoch), refused };
}

/**
 * Behind one NAT, agents reach each other only at addresses that the tracker cannot verify. It gives those to agents that
 * it sees at the same address, and to no others: a stranger misdirects only those behind his own address. On the
 * tracker's host all addresses can be verified.
 */
function forNeighbours(claims: readonly JudgedClaim[], caller: Caller): string[] {
  if (caller.host === HERE) return [];
  const unverified = claims.filter(
    ({ claim, reason }) => reason === 'NOT_VERIFIED' && IpAddress.parse(claim.host)?.kind === 'unicast',
  );
  return unverified.map(({ claim }) => formatAddress(claim));
}

/** Throws `invalid` BAD_HELLO for too many or too long labels. */
export function checkLabels(labels: Hello['labels']): void {
  const fault = labelsFault(labels);
  if (fault !== undefined) throw badHello(fault);
}

/** Undefined if the agent sent none. Throws `invalid` BAD_HELLO. */
function toEpoch(epoch: bigint): number | undefined {
  if (epoch > MAX_EPOCH) throw badHello('the epoch is after the year 9999');
  return epoch === 0n ? undefined : Number(epoch);
}

/** The endpoints that the agent claims. */
function claimsOf({ endpoint, endpoints }: Hello): TcpAddress[] {
  if (endpoints.length > MAX_CLAIMS) throw badHello(`more than ${MAX_CLAIMS} endpoints`);
  const main = parseEndpoint(endpoint);
  return endpoints.length === 0 ? [main] : endpoints.map(parseEndpoint);
}

function parseEndpoint(claimed: string): TcpAddress {
  let address;
  try {
    address = parseTcpAddress(claimed);
  } catch (error) {
    throw badHello(messageOf(error));
  }
  const { host, port } = address;
  if (port === 0) throw badHello('the endpoint must be HOST:PORT with a real port');
  if (!isUnspecifiedHost(host) && !HOST_NAME.test(host) && !isIPv6(host))
    throw badHello('the endpoint has no host that others can reach');
  return address;
}
