import { hostname } from 'node:os';
import type { OptionTable, Resolved } from '@enjambre/common/config/options';
import { commonOptions, nameSchema, tcpAddressSchema } from '@enjambre/common/config/schemas';

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
  ...commonOptions,
} satisfies OptionTable;

export type TrackerConfig = Resolved<typeof trackerOptions>;
