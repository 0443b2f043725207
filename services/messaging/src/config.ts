import { join } from 'node:path';
import type { Environment, OptionTable, Resolved } from '@enjambre/common/config/options';
import { DEFAULT_PORTS } from '@enjambre/common/config/address';
import {
  budgetOptions,
  commonOptions,
  hostName,
  nameSchema,
  pathSchema,
  tcpAddressListSchema,
  tcpAddressSchema,
} from '@enjambre/common/config/schemas';
import { defaultDataDir } from '@enjambre/common/config/default-data-dir';
import { joinOptions } from '@enjambre/common/config/join-options';
import { operatorOptions } from '@enjambre/common/config/operator-option';
import { bytesSchema, durationSchema } from '@enjambre/common/config/quantities';
import { tlsOptions } from '@enjambre/common/config/tls-options';
import { natsOptions } from '@enjambre/common/nats/nats-options';
import { natsUrlSchema } from '@enjambre/common/nats/nats-link';
import { z } from 'zod';

/** None in a container without a home folder: there it is needed only to join. */
function findDataDir(environment: Environment): string | undefined {
  try {
    return join(defaultDataDir(environment), 'messaging');
  } catch {
    return undefined;
  }
}

const countSchema = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'must be a whole number from 1')
  .transform(Number);

/** The settings of `enjambre messaging`. */
export const messagingOptions = {
  listen: {
    placeholder: 'HOST[:PORT]',
    description: 'address for agents; without HOST, all IPv6 and IPv4 addresses',
    schema: tcpAddressSchema(DEFAULT_PORTS.messaging),
    default: ':7071',
  },
  name: {
    placeholder: 'NAME',
    description: "the messaging service's name in events",
    schema: nameSchema,
    default: hostName,
  },
  nats: {
    placeholder: 'URL',
    description:
      'NATS with JetStream, which stores messages and events; without it, they are stored in memory',
    schema: natsUrlSchema.optional(),
  },
  ...natsOptions,
  tracker: {
    placeholder: 'HOST[:PORT][,…]',
    description:
      'address of a tracker, or several, separated by commas: where it joins the network with --join, and learns which certificates are revoked',
    schema: tcpAddressListSchema(DEFAULT_PORTS.tracker).optional(),
  },
  dataDir: {
    placeholder: 'DIR',
    description: 'folder for its certificate and key, if it has joined a network with --join',
    schema: pathSchema.optional(),
    default: { shown: '~/.local/share/enjambre/messaging', find: findDataDir },
  },
  ...joinOptions,
  messageMaxAge: {
    placeholder: 'DURATION',
    description: 'retention of messages and of absent peers',
    schema: durationSchema,
    default: '7d',
  },
  messageMaxBytes: {
    placeholder: 'SIZE',
    description:
      'storage for all messages; delivered ones are dropped first, then new ones are refused. NATS reserves it at the first start of the service',
    schema: bytesSchema,
    default: '256MiB',
  },
  eventMaxBytes: {
    placeholder: 'SIZE',
    description:
      'NATS storage reserved for events if this service creates their stream; the --event-max-bytes of a tracker overrides it',
    schema: bytesSchema,
    default: '256MiB',
  },
  duplicateWindow: {
    placeholder: 'DURATION',
    description: 'with NATS, time that the id of a message is remembered: a later retry is a new message',
    schema: durationSchema,
    default: '1h',
  },
  messageRate: {
    placeholder: 'NUMBER',
    description:
      'sustained rate limit of one sender in messages per second; the burst limit is twice as high',
    schema: countSchema,
    default: '200',
  },
  eventPreview: {
    placeholder: 'NUMBER',
    description: 'maximum characters of a text in events and logs, 0 to 120',
    schema: z
      .string()
      .regex(/^\d{1,3}$/, 'must be a whole number from 0 to 120')
      .transform(Number)
      .refine((count) => count <= 120, 'must be a whole number from 0 to 120'),
    default: '120',
  },
  maxPending: {
    placeholder: 'NUMBER',
    description: 'maximum number of messages waiting for one receiver',
    schema: countSchema,
    default: '10000',
  },
  ...budgetOptions,
  ...operatorOptions,
  ...tlsOptions,
  ...commonOptions,
} satisfies OptionTable;

export type MessagingConfig = Resolved<typeof messagingOptions>;
