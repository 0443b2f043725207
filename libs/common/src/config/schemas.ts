import { hostname } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { messageOf } from '@enjambre/core/error';
import { canonicalName, MAX_PEER_NAME_CHARS } from '@enjambre/core/peer-names';
import { z } from 'zod';
import { LOG_FORMATS, LOG_LEVELS } from '../log/logger.js';
import { parseAddress, parseTcpAddress, type Address, type TcpAddress } from './address.js';
import { workingFolder } from './working-folder.js';
import { homeFolder } from './home-folder.js';
import type { MachineDefault, Option } from './options.js';

/** An {@link Address}; without a port, one with `defaultPort`. */
export function addressSchema(defaultPort: number): z.ZodType<Address, string> {
  return parsedBy((text) => parseAddress(text, defaultPort));
}

/** An {@link Address} that is not a unix socket; without a port, one with `defaultPort`, or refused if there is none. */
export function tcpAddressSchema(defaultPort?: number): z.ZodType<TcpAddress, string> {
  return parsedBy((text) => parseTcpAddress(text, defaultPort));
}

function parsedBy<T>(parse: (text: string) => T): z.ZodType<T, string> {
  return z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  });
}

/** One or more {@link tcpAddressSchema}, separated by commas. */
export function tcpAddressListSchema(defaultPort: number): z.ZodType<TcpAddress[], string> {
  return z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(tcpAddressSchema(defaultPort)).min(1));
}

/** A folder or file; `~/` is the home folder, other paths are relative to the working folder. */
export const pathSchema = z
  .string()
  .min(1, 'a path is missing')
  .refine((path) => !path.includes('\0'), 'a path must not contain NUL')
  .transform((path, context) => {
    try {
      return path.startsWith('~/') ? resolve(home(), path.slice(2)) : resolvePath(path);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  });

/** A file to write, or `-` for standard output. */
export const outputSchema = z.union([z.literal('-'), pathSchema]);

function home(): string {
  return homeFolder(process.env, 'write the path without ~');
}

/**
 * Resolves a path against the working folder. Throws `precondition`, NO_WORKING_FOLDER, if that was removed.
 */
function resolvePath(path: string): string {
  return isAbsolute(path) ? resolve(path) : resolve(workingFolder(), path);
}

/** `key=value`, repeatable. */
export const labelsSchema = z
  .array(z.string())
  .transform((pairs, context): Readonly<Record<string, string>> => {
    const labels: Record<string, string> = {};
    for (const pair of pairs) {
      const match = /^([A-Za-z0-9][A-Za-z0-9._/-]{0,62})=(.{0,255})$/.exec(pair);
      if (!match) {
        context.addIssue({ code: 'custom', message: `"${pair}" is not a label: write key=value` });
        return z.NEVER;
      }
      labels[match[1] ?? ''] = match[2] ?? '';
    }
    return labels;
  });

/** A name for people, in its {@link canonicalName canonical form}. */
export const nameSchema = parsedBy(canonicalName);

/** Of a flag without a value. */
export const switchSchema = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((text) => text === 'true');

const percentSchema = z
  .string()
  .regex(/^([1-9]\d?|100)$/, 'must be a whole number from 1 to 100')
  .transform(Number);

const STDOUT = 1;

/** Default name of a service. */
export const hostName: MachineDefault = {
  shown: 'the host name',
  find: () => hostname().slice(0, MAX_PEER_NAME_CHARS) || 'localhost',
};

/** Settings of all services. */
export const commonOptions = {
  metrics: {
    placeholder: 'HOST:PORT',
    description:
      'address for Prometheus metrics and health over HTTP; off by default; port 0 picks a free port',
    schema: tcpAddressSchema().optional(),
  },
  healthListen: {
    placeholder: 'HOST:PORT',
    description:
      'address for the health alone (grpc.health.v1), in plaintext, for probes without TLS; off by default; port 0 picks a free port',
    schema: tcpAddressSchema().optional(),
  },
  logLevel: {
    placeholder: 'LEVEL',
    description: `log level: ${LOG_LEVELS.join(', ')}`,
    schema: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }),
    default: 'info',
    shared: true,
  },
  logFormat: {
    placeholder: 'FORMAT',
    description: 'pretty for people, json for machines; by default pretty on a terminal, else json',
    schema: z
      .enum(LOG_FORMATS, { error: `must be one of ${LOG_FORMATS.join(', ')}` })
      .optional()
      .transform((format) => format ?? (isatty(STDOUT) ? 'pretty' : 'json')),
    shared: true,
  },
} satisfies Record<string, Option>;

/** Settings of the services that strangers can reach. */
export const budgetOptions = {
  addressBudget: {
    placeholder: 'PERCENT',
    description:
      'part of each limit that the clients of one address may use together, 1 to 100; 100 behind a NAT or load balancer that hides addresses',
    schema: percentSchema,
    default: '5',
  },
} satisfies Record<string, Option>;
