import { hostname } from 'node:os';
import type { OptionTable, Resolved } from '@enjambre/common/config/options';
import { commonOptions, nameSchema, tcpAddressSchema } from '@enjambre/common/config/schemas';
import { eventOptions } from '@enjambre/common/events/open-event-bus';
import { natsUrlSchema } from '@enjambre/common/nats/nats-link';

const MAX_NAME_CHARS = 64;

/** The settings of `enjambre tracker`. */
export const trackerOptions = {
  listen: {
    placeholder: 'HOST:PORT',
    description: 'where agents and people reach the tracker',
    schema: tcpAddressSchema,
    default: '0.0.0.0:7070',
  },
  name: {
    placeholder: 'NAME',
    description: "the tracker's name in events",
    schema: nameSchema,
    default: hostname().slice(0, MAX_NAME_CHARS),
  },
  nats: {
    placeholder: 'URL',
    description: 'where events are published and kept, such as nats://HOST:PORT; without it, in this process',
    schema: natsUrlSchema.optional(),
  },
  messaging: {
    placeholder: 'HOST:PORT',
    description: 'the messaging service whose messages are shown here; not needed with --nats',
    schema: tcpAddressSchema.optional(),
  },
  ...eventOptions,
  ...commonOptions,
} satisfies OptionTable;

export type TrackerConfig = Resolved<typeof trackerOptions>;
