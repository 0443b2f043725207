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

/** The settings of `enjambre tracker`. */
export const trackerOptions = {
  listen: {
    placeholder: 'HOST:PORT',
    description: 'where agents and people reach the tracker; without HOST, at every IPv6 and IPv4 address',
    schema: tcpAddressSchema,
    default: ':7070',
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
      'what several trackers share and where events are kept, such as nats://HOST:PORT; without it, this tracker is alone',
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
  messaging: {
    placeholder: 'HOST:PORT',
    description: 'the messaging service whose messages are shown here; not needed with --nats',
    schema: tcpAddressSchema.optional(),
  },
  eventMaxAge: {
    placeholder: 'TIME',
    description: 'how long events are kept for replay, such as 90m or 7d',
    schema: durationSchema,
    default: '24h',
  },
  eventMaxBytes: {
    placeholder: 'SIZE',
    description:
      'how much of them NATS keeps and reserves, such as 256MiB; what a tracker says counts before what messaging does',
    schema: bytesSchema,
    default: '256MiB',
  },
  catalogueMaxBytes: {
    placeholder: 'SIZE',
    description:
      'with NATS, how much the catalogue of files may take there; 16MiB of it are reserved at first, and more as it grows',
    schema: bytesSchema,
    default: '256MiB',
  },
  ...commonOptions,
} satisfies OptionTable;

export type TrackerConfig = Resolved<typeof trackerOptions>;
