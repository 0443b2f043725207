import type { OptionTable, Resolved } from '@enjambre/common/config/options';
import { DEFAULT_PORTS } from '@enjambre/common/config/address';
import {
  budgetOptions,
  commonOptions,
  hostName,
  nameSchema,
  pathSchema,
  tcpAddressSchema,
} from '@enjambre/common/config/schemas';
import { operatorOptions } from '@enjambre/common/config/operator-option';
import { bytesSchema, durationSchema } from '@enjambre/common/config/quantities';
import { tlsOptions } from '@enjambre/common/config/tls-options';
import { natsOptions } from '@enjambre/common/nats/nats-options';
import { natsUrlSchema } from '@enjambre/common/nats/nats-link';
import { messageOf } from '@enjambre/core/error';
import { z } from 'zod';
import { AllowedHosts } from './domain/allowed-hosts.js';

const allowedHostsSchema = z.array(z.string()).transform((texts, context) => {
  try {
    return new AllowedHosts(texts.flatMap((text) => text.split(',').map((part) => part.trim())));
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
    return z.NEVER;
  }
});

/** The settings of `enjambre tracker`. */
export const trackerOptions = {
  listen: {
    placeholder: 'HOST[:PORT]',
    description: 'address for agents and lookups; without HOST, all IPv6 and IPv4 addresses',
    schema: tcpAddressSchema(DEFAULT_PORTS.tracker),
    default: ':7070',
  },
  allowEndpoints: {
    placeholder: 'CIDR[,…]',
    description:
      'addresses that agents may advertise although the tracker sees them at others, such as 10.0.0.0/8; also HOST or *.DOMAIN for names; loopback, link-local and multicast addresses are never allowed',
    schema: allowedHostsSchema,
    repeatable: true,
  },
  name: {
    placeholder: 'NAME',
    description: "the tracker's name in events",
    schema: nameSchema,
    default: hostName,
  },
  nats: {
    placeholder: 'URL',
    description:
      'NATS that several trackers share and that stores events, such as nats://HOST:PORT; without it, this tracker runs alone',
    schema: natsUrlSchema.optional(),
  },
  ...natsOptions,
  messaging: {
    placeholder: 'HOST[:PORT]',
    description: 'messaging service whose messages are shown here; not needed with --nats',
    schema: tcpAddressSchema(DEFAULT_PORTS.messaging).optional(),
  },
  eventMaxAge: {
    placeholder: 'DURATION',
    description: 'retention of events for replay, such as 90m or 7d',
    schema: durationSchema,
    default: '24h',
  },
  eventMaxBytes: {
    placeholder: 'SIZE',
    description:
      'NATS storage reserved for events, such as 256MiB; the value of a tracker overrides that of the messaging service',
    schema: bytesSchema,
    default: '256MiB',
  },
  catalogueMaxBytes: {
    placeholder: 'SIZE',
    description:
      'maximum NATS storage of the file catalogue; 16MiB are reserved at first, and more as it grows',
    schema: bytesSchema,
    default: '256MiB',
  },
  ca: {
    placeholder: 'DIR',
    description:
      'folder with the ca.crt and ca.key of the network: agents join with a token of "enjambre ca token", and this tracker issues and renews their certificates',
    schema: pathSchema.optional(),
  },
  ...budgetOptions,
  ...operatorOptions,
  ...tlsOptions,
  ...commonOptions,
} satisfies OptionTable;

export type TrackerConfig = Resolved<typeof trackerOptions>;
