import { messageOf } from '@enjambre/core/error';
import type { TcpAddress } from './address.js';

/**
 * Listens at `address`. With an empty host at every address of this machine: of IPv6 and IPv4, or of IPv4 alone where there
 * is no IPv6. Returns where it listens, with a host. Throws what the last attempt threw.
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
    // A port that is taken or forbidden is so in either family.
    if (/\b(EADDRINUSE|EACCES|EPERM)\b/.test(messageOf(error))) throw error;
    return listen({ ...address, host: '0.0.0.0' });
  }
}
