import { DEFAULT_PORTS } from '@enjambre/common/config/address';
import {
  addressSchema,
  budgetOptions,
  commonOptions,
  hostName,
  labelsSchema,
  nameSchema,
  pathSchema,
  tcpAddressListSchema,
  tcpAddressSchema,
} from '@enjambre/common/config/schemas';
import { joinOptions } from '@enjambre/common/config/join-options';
import { operatorOptions } from '@enjambre/common/config/operator-option';
import { tlsOptions } from '@enjambre/common/config/tls-options';
import {
  durationSchema,
  rateSchema,
  seedRatioSchema,
  seedTimeSchema,
} from '@enjambre/common/config/quantities';
import type { Option, Resolved } from '@enjambre/common/config/options';
import { z } from 'zod';
import { defaultDataDir } from '@enjambre/common/config/default-data-dir';

const ignoreSchema = z.array(
  z
    .string()
    .min(1, 'a pattern is missing')
    .max(255, 'a pattern has at most 255 characters')
    .regex(/^[^/]*$/, 'a pattern matches names, not paths: it contains no slash'),
);

/** Port of an advertised address that is the port of `--listen`. */
export const AS_LISTEN = 0;

const LINK_POLICIES = ['skip', 'inside', 'anywhere'] as const;

/** Settings of an agent: a flag, an environment variable and a default each. */
export const agentOptions = {
  name: {
    placeholder: 'NAME',
    description: 'display name of this agent',
    schema: nameSchema,
    default: hostName,
  },
  dataDir: {
    placeholder: 'DIR',
    description: 'folder for its identity and state',
    schema: pathSchema,
    default: { shown: '~/.local/share/enjambre', find: defaultDataDir },
    shared: true,
  },
  listen: {
    placeholder: 'HOST[:PORT]',
    description:
      'listen address for other agents; without HOST, all IPv6 and IPv4 addresses; port 0 picks a free port',
    schema: tcpAddressSchema(DEFAULT_PORTS.agent),
    default: ':7072',
  },
  advertise: {
    placeholder: 'HOST[:PORT]',
    description:
      'the only address to advertise to other agents; without PORT, the port that it listens on; by default, all addresses of this machine and the one that the tracker sees',
    schema: tcpAddressSchema(AS_LISTEN).optional(),
  },
  control: {
    placeholder: 'ADDRESS',
    description:
      'unix:PATH moves the control socket; HOST[:7073] also accepts control over TCP; without it, only agent.sock in the data folder',
    schema: addressSchema(DEFAULT_PORTS.control).optional(),
  },
  shareRoot: {
    placeholder: 'DIR',
    description: 'the only folder that control over TCP may share from; without it, all but the data folder',
    schema: pathSchema.optional(),
  },
  outputRoot: {
    placeholder: 'DIR',
    description:
      'the only folder that control over TCP may place downloads in, besides the download folder; without it, all but the data folder',
    schema: pathSchema.optional(),
  },
  tracker: {
    placeholder: 'HOST[:PORT][,…]',
    description:
      'address of its tracker, or several, separated by commas; it uses one that answers, also of several addresses of a name',
    schema: tcpAddressListSchema(DEFAULT_PORTS.tracker),
    default: '127.0.0.1:7070',
    shared: true,
  },
  messaging: {
    placeholder: 'HOST[:PORT]',
    description: 'address of its messaging service; without it, no messages are sent or received',
    schema: tcpAddressSchema(DEFAULT_PORTS.messaging).optional(),
  },
  downloadDir: {
    placeholder: 'DIR',
    description: 'folder for downloads; without it, downloads/ in the data folder',
    schema: pathSchema.optional(),
  },
  sharedDir: {
    placeholder: 'DIR',
    description: 'folder to watch: each file and folder in it is shared; without it, none',
    schema: pathSchema.optional(),
  },
  sharedIgnore: {
    placeholder: 'PATTERN',
    description:
      'names in the shared folder to exclude, with * and ?, such as "*.bak"; temporary and hidden files are always excluded',
    schema: ignoreSchema,
    repeatable: true,
  },
  sharedLinks: {
    placeholder: 'WHICH',
    description:
      'symbolic links in the shared folder to follow: skip for none, inside for those with a target in the folder, anywhere for all',
    schema: z.enum(LINK_POLICIES, { error: `choose one of ${LINK_POLICIES.join(', ')}` }),
    default: 'skip',
  },
  sharedUnsupported: {
    placeholder: 'WHAT',
    description:
      'policy for folders with names that cannot be shared: refuse shares nothing of the folder, skip shares the rest',
    schema: z.enum(['refuse', 'skip'], { error: 'choose refuse or skip' }),
    default: 'refuse',
  },
  sharedPoll: {
    placeholder: 'DURATION',
    description: 'rescan interval of the shared folder, in case file notifications are missed',
    schema: durationSchema,
    default: '1m',
  },
  followInterval: {
    placeholder: 'DURATION',
    description: 'interval at which downloads that follow a name look for a newer version',
    schema: durationSchema,
    default: '15s',
  },
  maxUpload: {
    placeholder: 'RATE',
    description: 'upload limit in bytes per second, such as 10MB or 1.5MiB; none for no limit',
    schema: rateSchema,
    default: 'none',
  },
  maxDownload: {
    placeholder: 'RATE',
    description: 'download limit in bytes per second, such as 10MB or 1.5MiB; none for no limit',
    schema: rateSchema,
    default: 'none',
  },
  seedRatio: {
    placeholder: 'RATIO',
    description:
      'a download stops seeding when it has sent RATIO times its size, such as 2 or 1.5; 0 seeds nothing after completion; none for no limit',
    schema: seedRatioSchema,
    default: 'none',
  },
  seedTime: {
    placeholder: 'DURATION',
    description: 'a download stops seeding after DURATION, such as 30m or 12h; none for no limit',
    schema: seedTimeSchema,
    default: 'none',
  },
  label: {
    placeholder: 'KEY=VALUE',
    description: 'location of this agent, such as zone=eu-1 or node=n17',
    schema: labelsSchema,
    repeatable: true,
  },
  ...joinOptions,
  ...budgetOptions,
  ...operatorOptions,
  ...tlsOptions,
  ...commonOptions,
} satisfies Record<string, Option>;

export type AgentConfig = Resolved<typeof agentOptions>;
