import type { Option } from '../config/options.js';
import { pathSchema } from '../config/schemas.js';
import { natsReplicasSchema } from './replicas.js';

/** The settings of a service for its NATS, besides the address. */
export const natsOptions = {
  natsCa: {
    placeholder: 'FILE',
    description:
      'PEM file with the CA certificates for NATS; requires TLS, as tls:// in --nats does; by default, the CAs of Node',
    schema: pathSchema.optional(),
  },
  natsCert: {
    placeholder: 'FILE',
    description: 'PEM file with the client certificate for NATS; needs --nats-key, and requires TLS',
    schema: pathSchema.optional(),
  },
  natsKey: {
    placeholder: 'FILE',
    description: 'PEM file with the private key of --nats-cert',
    schema: pathSchema.optional(),
  },
  natsCreds: {
    placeholder: 'FILE',
    description:
      'credentials for NATS: a .creds file, or the seed of an nkey; read again for each connection',
    schema: pathSchema.optional(),
  },
  natsReplicas: {
    placeholder: 'N',
    description: 'number of NATS nodes that store each stream; auto: 3 in a cluster',
    schema: natsReplicasSchema,
    default: 'auto',
  },
} satisfies Record<string, Option>;

/** Values of {@link natsOptions} that a connection needs. */
export interface NatsFiles {
  readonly natsCa?: string | undefined;
  readonly natsCert?: string | undefined;
  readonly natsKey?: string | undefined;
  readonly natsCreds?: string | undefined;
}
