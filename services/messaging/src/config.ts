import type { OptionTable, Resolved } from '@enjambre/common/config/options';
import {
  commonOptions,
  hostName,
  nameSchema,
  pathSchema,
  tcpAddressSchema,
} from '@enjambre/common/config/schemas';
import { bytesSchema, durationSchema } from '@enjambre/common/config/quantities';
import { natsReplicasSchema } from '@enjambre/common/nats/replicas';
import { natsUrlSchema } from '@enjambre/common/nats/nats-link';
import { z } from 'zod';

const countSchema = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'must be a whole number from 1')
  .transform(Number);

/** The settings of `enjambre messaging`. */
export const messagingOptions = {
  listen: {
    placeholder: 'HOST:PORT',
    description: 'where agents reach the relay; without HOST, at every IPv6 and IPv4 address',
    schema: tcpAddressSchema,
    default: ':7071',
  },
  name: {
    placeholder: 'NAME',
    description: "the relay's name in events",
    schema: nameSchema,
    default: hostName,
  },
  nats: {
    placeholder: 'URL',
    description: 'NATS with JetStream, which keeps messages and events; without it, memory does',
    schema: natsUrlSchema.optional(),
  },
  natsCa: {
    placeholder: 'FILE',
    description:
      "certificates of the CAs that sign NATS's own, in PEM; TLS is demanded then, as with tls:// in --nats; without it, those that Node knows",
    schema: pathSchema.optional(),
  },
  natsReplicas: {
    placeholder: 'N',
    description: 'on how many nodes of a NATS cluster things are kept; auto: 3 in a cluster',
    schema: natsReplicasSchema,
    default: 'auto',
  },
  messageMaxAge: {
    placeholder: 'DURATION',
    description: 'how long messages are kept, and absent peers known',
    schema: durationSchema,
    default: '7d',
  },
  messageMaxBytes: {
    placeholder: 'SIZE',
    description:
      'how much of them is kept in all; the oldest go first. NATS reserves it when the service first starts',
    schema: bytesSchema,
    default: '256MiB',
  },
  eventMaxBytes: {
    placeholder: 'SIZE',
    description:
      'with NATS, how much of events it keeps if this service is the first to make their stream; the --event-max-bytes of a tracker counts before it',
    schema: bytesSchema,
    default: '256MiB',
  },
  duplicateWindow: {
    placeholder: 'DURATION',
    description: 'with NATS, how long the id of a message is remembered: a retry after that is a new message',
    schema: durationSchema,
    default: '1h',
  },
  messageRate: {
    placeholder: 'NUMBER',
    description: 'messages a second that one sender may send in the long run; twice as many at once',
    schema: countSchema,
    default: '200',
  },
  eventPreview: {
    placeholder: 'NUMBER',
    description: 'characters of a text that events and logs may show, 0 to 120',
    schema: z
      .string()
      .regex(/^\d{1,3}$/, 'must be a whole number from 0 to 120')
      .transform(Number)
      .refine((count) => count <= 120, 'must be a whole number from 0 to 120'),
    default: '120',
  },
  maxPending: {
    placeholder: 'NUMBER',
    description: 'messages that may wait for one receiver',
    schema: countSchema,
    default: '10000',
  },
  ...commonOptions,
} satisfies OptionTable;

export type MessagingConfig = Resolved<typeof messagingOptions>;
