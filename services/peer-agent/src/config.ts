import {
  addressSchema,
  commonOptions,
  hostName,
  labelsSchema,
  nameSchema,
  pathSchema,
  tcpAddressListSchema,
  tcpAddressSchema,
} from '@enjambre/common/config/schemas';
import { durationSchema, rateSchema } from '@enjambre/common/config/quantities';
import type { Option, Resolved } from '@enjambre/common/config/options';
import { z } from 'zod';
import { defaultDataDir } from './default-data-dir.js';

const ignoreSchema = z.array(
  z
    .string()
    .min(1, 'a pattern is missing')
    .max(255, 'a pattern has at most 255 characters')
    .regex(/^[^/]*$/, 'a pattern is for names, not paths: it holds no slash'),
);

const LINK_POLICIES = ['skip', 'inside', 'anywhere'] as const;

/** Settings of an agent: a flag, an environment variable and a default each. */
export const agentOptions = {
  name: {
    placeholder: 'NAME',
    description: 'name of this agent, for people',
    schema: nameSchema,
    default: hostName,
  },
  dataDir: {
    placeholder: 'DIR',
    description: 'folder of its identity and state',
    schema: pathSchema,
    default: { shown: '~/.local/share/enjambre', find: defaultDataDir },
  },
  listen: {
    placeholder: 'HOST:PORT',
    description:
      'where it serves other agents; without HOST, at every IPv6 and IPv4 address; port 0 picks a free one',
    schema: tcpAddressSchema,
    default: ':7072',
  },
  advertise: {
    placeholder: 'HOST:PORT',
    description:
      'the only address that others are told; without it, each of this machine and the one that the tracker sees',
    schema: tcpAddressSchema.optional(),
  },
  control: {
    placeholder: 'ADDRESS',
    description: 'unix:PATH to move the control socket, or HOST:PORT to be controlled over TCP as well',
    schema: addressSchema.optional(),
  },
  tracker: {
    placeholder: 'HOST:PORT[,…]',
    description:
      'its tracker, or several with commas; of those, and of the addresses of a name, it uses one that answers',
    schema: tcpAddressListSchema,
    default: '127.0.0.1:7070',
  },
  messaging: {
    placeholder: 'HOST:PORT',
    description: 'its messaging service; without it, no messages are sent or received',
    schema: tcpAddressSchema.optional(),
  },
  downloadDir: {
    placeholder: 'DIR',
    description: 'where downloads go; without it, downloads/ in the data folder',
    schema: pathSchema.optional(),
  },
  sharedDir: {
    placeholder: 'DIR',
    description: 'a folder that is watched: each file and folder in it is shared; without it, none is',
    schema: pathSchema.optional(),
  },
  sharedIgnore: {
    placeholder: 'PATTERN',
    description:
      'names in the shared folder that are not shared, with * and ?, such as "*.bak"; temporary and hidden ones never are',
    schema: ignoreSchema,
    repeatable: true,
  },
  sharedLinks: {
    placeholder: 'WHICH',
    description:
      'symbolic links in the shared folder that are followed: skip for none, inside for those that lead to something in it, anywhere for all',
    schema: z.enum(LINK_POLICIES, { error: `choose one of ${LINK_POLICIES.join(', ')}` }),
    default: 'skip',
  },
  sharedUnsupported: {
    placeholder: 'WHAT',
    description:
      'what happens to a folder with names that cannot be shared: refuse to share none of it, skip to share the rest',
    schema: z.enum(['refuse', 'skip'], { error: 'choose refuse or skip' }),
    default: 'refuse',
  },
  sharedPoll: {
    placeholder: 'TIME',
    description: 'rescan interval of the shared folder, in case file notifications are missed',
    schema: durationSchema,
    default: '1m',
  },
  maxUpload: {
    placeholder: 'RATE',
    description: 'bytes a second that it sends at most, such as 10MB or 1.5MiB; none for no limit',
    schema: rateSchema,
    default: 'none',
  },
  maxDownload: {
    placeholder: 'RATE',
    description: 'bytes a second that it receives at most, such as 10MB or 1.5MiB; none for no limit',
    schema: rateSchema,
    default: 'none',
  },
  label: {
    placeholder: 'KEY=VALUE',
    description: 'where it stands, such as zone=eu-1 or node=n17',
    schema: labelsSchema,
    repeatable: true,
  },
  ...commonOptions,
} satisfies Record<string, Option>;

export type AgentConfig = Resolved<typeof agentOptions>;
