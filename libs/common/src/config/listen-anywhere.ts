import { messageOf } from '@enjambre/core/error';
import type { TcpAddress } from './address.js';

/**
 * Listens at `address`. An empty host means all addresses of this machine: IPv6 and IPv4, or only IPv4 on a
 * machine without IPv6. Returns the address with a host. Throws the error of the last attempt.
 *
 * @param listen listens at an address that has a host
 */
export async function listenAnywhere(
  address: TcpAddress,
  listen: (at: TcpAddress) => Promise<TcpAddress>,
): Promise<TcpAddress> {
  if (address.host !== '') return listen(address);
  try {
    return await listen({ ...address, host: '::' });
  } catch (error) {
    // A port in use or forbidden is so for both families.
    if (/\b(EADDRINUSE|EACCES|EPERM)\b/.test(messageOf(error))) throw error;
    return listen({ ...address, host: '0.0.0.0' });
  }
}
