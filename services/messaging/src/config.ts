import { hostname } from 'node:os';
import type { OptionTable, Resolved } from '@enjambre/common/config/options';
import { commonOptions, nameSchema, tcpAddressSchema } from '@enjambre/common/config/schemas';
import { parseNatsUrl } from '@enjambre/common/nats/nats-link';
import { messageOf } from '@enjambre/core/error';
import { z } from 'zod';

const MAX_NAME_CHARS = 64;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const UNIT_BYTES: Readonly<Record<string, number>> = {
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** "90s", "15m", "12h", "7d", in milliseconds; at least a second. */
const durationSchema = z.string().transform((text, context) => {
  const [, count, unit = ''] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * (UNIT_MS[unit] ?? 1);
  context.addIssue({ code: 'custom', message: `"${text}" is no duration: write 90s, 15m, 12h or 7d` });
  return z.NEVER;
});

/** "512KiB", "256MiB", "10GiB", in bytes. */
const sizeSchema = z.string().transform((text, context) => {
  const [, count, unit = ''] = /^([1-9]\d{0,5})([KMGT]iB)$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * (UNIT_BYTES[unit] ?? 1);
  context.addIssue({ code: 'custom', message: `"${text}" is no size: write 512KiB, 256MiB or 10GiB` });
  return z.NEVER;
});

const natsSchema = z
  .string()
  .transform((url, context) => {
    try {
      parseNatsUrl(url);
      return url;
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  })
  .optional();

const countSchema = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'a whole number from 1 is wanted')
  .transform(Number);

/** The settings of `enjambre messaging`. */
export const messagingOptions = {
  listen: {
    placeholder: 'HOST:PORT',
    description: 'where agents reach the relay',
    schema: tcpAddressSchema,
    default: '0.0.0.0:7071',
  },
  name: {
    placeholder: 'NAME',
    description: "the relay's name in events",
    schema: nameSchema,
    default: hostname().slice(0, MAX_NAME_CHARS),
  },
  nats: {
    placeholder: 'URL',
    description: 'NATS with JetStream, which keeps the messages; without it, memory does',
    schema: natsSchema,
  },
  messageMaxAge: {
    placeholder: 'DURATION',
    description: 'how long messages are kept, and absent peers known',
    schema: durationSchema,
    default: '7d',
  },
  messageMaxBytes: {
    placeholder: 'SIZE',
    description: 'how much of them is kept in all; the oldest go first',
    schema: sizeSchema,
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
  maxPending: {
    placeholder: 'NUMBER',
    description: 'messages that may wait for one receiver',
    schema: countSchema,
    default: '10000',
  },
  ...commonOptions,
} satisfies OptionTable;

export type MessagingConfig = Resolved<typeof messagingOptions>;
