import { tlsOptions } from '@enjambre/common/config/tls-options';

/** The flag of `enjambre dev` for its security: that of the services, with another meaning. */
export const trustOptions = {
  insecure: {
    ...tlsOptions.insecure,
    description:
      'no TLS; by default, a network that other machines can reach has TLS, with a CA in ca in the data folder',
  },
};
