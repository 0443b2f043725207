import { isLoopbackHost, type Address } from '@enjambre/common/config/address';
import { agentOptions } from '@enjambre/peer-agent/config';

/** The flag of `enjambre dev` for its security: the agent's, with another meaning. */
export const trustOptions = {
  insecure: {
    ...agentOptions.insecure,
    description:
      'no TLS; by default, a network that other machines can reach has TLS, with a CA in ca in the data folder',
  },
};

/** True if no other machine can reach the addresses. */
export function areLocal(addresses: readonly Address[]): boolean {
  return addresses.every((address) => address.kind === 'unix' || isLoopbackHost(address.host));
}
