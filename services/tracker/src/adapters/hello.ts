import { isIPv6 } from 'node:net';
import { formatAddress, isUnspecifiedHost, parseAddress } from '@enjambre/common/config/address';
import { badHello, checkHello } from '@enjambre/common/identity/hello';
import { messageOf } from '@enjambre/core/error';
import { labelsFault } from '@enjambre/core/labels';
import type { Hello } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { PeerInfo } from '../domain/peer.js';

/** The last millisecond of the year 9999: room for those after it. */
const MAX_EPOCH = 253_402_300_799_999n;
const HOST_NAME = /^[A-Za-z0-9._-]{1,253}$/;

/**
 * Who says hello.
 *
 * @param nonce what the signature must cover
 * @param seenAddress "host:port" of the caller as the socket has it
 * @throws `invalid` BAD_HELLO, `unauthenticated` BAD_SIGNATURE
 */
export function acceptHello(hello: Hello, nonce: Uint8Array, seenAddress: string): PeerInfo {
  checkLabels(hello.labels);
  const endpoint = endpointOf(hello.endpoint, hostOf(seenAddress));
  const { id, name } = checkHello('tracker', hello, nonce);
  return { id, name, endpoint, labels: hello.labels, version: hello.version };
}

/** Throws `invalid` BAD_HELLO if there are too many, or too long ones. */
export function checkLabels(labels: Hello['labels']): void {
  const fault = labelsFault(labels);
  if (fault !== undefined) throw badHello(fault);
}

/** Undefined if the agent does not say. Throws `invalid` BAD_HELLO. */
export function toEpoch(epoch: bigint): number | undefined {
  if (epoch > MAX_EPOCH) throw badHello('the epoch is later than any time');
  return epoch === 0n ? undefined : Number(epoch);
}

/** Where others reach the peer: an empty or unspecified host becomes the one that the tracker sees. */
function endpointOf(claimed: string, seenHost: string): string {
  const address = parseEndpoint(claimed);
  const host = isUnspecifiedHost(address.host) ? seenHost : address.host;
  if (!HOST_NAME.test(host) && !isIPv6(host))
    throw badHello('the endpoint has no host that others can reach');
  return formatAddress({ ...address, host });
}

function parseEndpoint(claimed: string): { kind: 'tcp'; host: string; port: number } {
  let address;
  try {
    address = parseAddress(claimed);
  } catch (error) {
    throw badHello(messageOf(error));
  }
  if (address.kind !== 'tcp' || address.port === 0)
    throw badHello('the endpoint must be HOST:PORT with a real port');
  return address;
}

/** grpc-js gives "host:port" without brackets, and IPv4 callers of an IPv6 socket as ::ffff:a.b.c.d. */
function hostOf(seenAddress: string): string {
  return seenAddress.slice(0, seenAddress.lastIndexOf(':')).replace(/^::ffff:(?=\d+\.)/, '');
}
