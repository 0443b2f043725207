import { isIPv6 } from 'node:net';
import { isUnspecifiedHost, parseTcpAddress, type TcpAddress } from '@enjambre/common/config/address';
import { badHello, checkHello } from '@enjambre/common/identity/hello';
import { messageOf } from '@enjambre/core/error';
import { labelsFault } from '@enjambre/core/labels';
import type { Hello } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { mainEndpoint, type PeerInfo } from '../domain/peer.js';
import { reachOf, type Caller } from './reach.js';

/** The last millisecond of the year 9999: leaves room for later epochs. */
const MAX_EPOCH = 253_402_300_799_999n;
/** Maximum number of an agent's endpoints. */
const MAX_CLAIMS = 16;
const HOST_NAME = /^[A-Za-z0-9._-]{1,253}$/;

/**
 * Verifies a hello and returns the peer.
 *
 * @param nonce the nonce that the signature must cover
 * @throws `invalid` BAD_HELLO, `unauthenticated` BAD_SIGNATURE
 */
export function acceptHello(hello: Hello, nonce: Uint8Array, caller: Caller): PeerInfo {
  checkLabels(hello.labels);
  const reach = reachOf(claimsOf(hello), caller);
  const { id, name } = checkHello('tracker', hello, nonce);
  const { labels, version } = hello;
  return { id, name, endpoint: mainEndpoint(reach), reach, labels, version };
}

/** Throws `invalid` BAD_HELLO for too many or too long labels. */
export function checkLabels(labels: Hello['labels']): void {
  const fault = labelsFault(labels);
  if (fault !== undefined) throw badHello(fault);
}

/** Undefined if the agent sent none. Throws `invalid` BAD_HELLO. */
export function toEpoch(epoch: bigint): number | undefined {
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
