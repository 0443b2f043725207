import { existsSync } from 'node:fs';
import { z } from 'zod';
import { EnjambreError } from '@enjambre/core/error';
import type { Role } from '@enjambre/core/trust/certified-identity';
import { TlsStore, tlsPathsIn, type TlsPaths } from '../trust/tls-store.js';
import { flagName, type Option } from './options.js';
import { formatAddress, isLoopbackHost, type Address } from './address.js';
import { pathSchema, switchSchema } from './schemas.js';

const TLS_MODES = ['require', 'prefer'] as const;
export type TlsMode = (typeof TLS_MODES)[number];

/** The settings for the TLS of a program. */
export const tlsOptions = {
  tls: {
    placeholder: 'DIR',
    description:
      'folder with ca.crt, tls.crt and tls.key in PEM, as "enjambre ca issue" and cert-manager write them: requires mutual TLS of every connection; changed files are used within seconds',
    schema: pathSchema.optional(),
    shared: true,
  },
  tlsCa: {
    placeholder: 'FILE',
    description: "certificates of the network's CAs in PEM, instead of ca.crt in --tls",
    schema: pathSchema.optional(),
    shared: true,
  },
  tlsCert: {
    placeholder: 'FILE',
    description:
      'own certificate in PEM, with intermediate certificates after it, instead of tls.crt in --tls',
    schema: pathSchema.optional(),
    shared: true,
  },
  tlsKey: {
    placeholder: 'FILE',
    description: 'private key of the certificate in PEM, instead of tls.key in --tls',
    schema: pathSchema.optional(),
    shared: true,
  },
  tlsMode: {
    placeholder: 'MODE',
    description:
      'require, or prefer: accepts plaintext as well, and falls back to it, while a network moves to TLS; for that time only',
    schema: z.enum(TLS_MODES, { error: `must be one of ${TLS_MODES.join(', ')}` }),
    default: 'require',
  },
  metricsTls: {
    placeholder: '',
    isSwitch: true,
    description:
      'metrics and health at --metrics over HTTPS, for clients with a certificate of the network only; without it, in plaintext for everyone',
    schema: switchSchema,
    default: 'false',
  },
  insecure: {
    placeholder: '',
    isSwitch: true,
    description:
      'no TLS: other machines on the way can read and change everything; without it, a program that other machines can reach needs a certificate',
    schema: switchSchema,
    default: 'false',
  },
} satisfies Record<string, Option>;

export interface TlsConfig {
  readonly tls?: string | undefined;
  readonly tlsCa?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly tlsMode?: TlsMode | undefined;
  readonly metricsTls?: boolean | undefined;
}

/** Refuses settings that exclude each other. Throws `invalid`, BAD_OPTION. @param more settings that need TLS */
export function checkTlsOptions(config: TlsConfig, more: Readonly<Record<string, unknown>> = {}): void {
  const { insecure, tls, tlsCa, tlsCert, tlsKey, tlsMode } = config;
  if (!insecure) return;
  const named = Object.entries({ tls, tlsCa, tlsCert, tlsKey, ...more }).find(
    ([, value]) => value !== undefined,
  );
  const key = named?.[0] ?? (tlsMode === 'prefer' ? 'tlsMode' : undefined);
  if (key === undefined) return;
  const message = `${flagName('insecure')} and ${flagName(key)} exclude each other: leave one of them out`;
  throw new EnjambreError('invalid', 'BAD_OPTION', message);
}

/** A setting with an address; undefined if it is not set. */
interface Exposed {
  readonly key: string;
  readonly address: Address | undefined;
}

/**
 * Refuses a program without TLS that has traffic with other machines. Throws `invalid`, BAD_OPTION.
 *
 * @param addresses the settings with the addresses at which it listens, and of servers that it calls
 * @param ways settings that give it a certificate
 */
export function requireTls(
  { insecure = false, tlsMode }: Pick<TlsConfig, 'insecure' | 'tlsMode'>,
  addresses: readonly Exposed[],
  ways: readonly string[],
): void {
  const certificate = ways.map(flagName).join(' or ');
  if (tlsMode === 'prefer' && !insecure) {
    const message = `${flagName('tlsMode')} prefer needs a certificate: name it with ${certificate}`;
    throw new EnjambreError('invalid', 'BAD_OPTION', message);
  }
  const exposed = addresses.find(({ address }) => address && !isLocal(address));
  if (insecure || !exposed?.address) return;
  const [text, setting] = [formatAddress(exposed.address), flagName(exposed.key)];
  const message = `${setting} ${text} would reach other machines in plaintext: name a certificate with ${certificate}, use an address of 127.0.0.1, or allow it with ${flagName('insecure')}`;
  throw new EnjambreError('invalid', 'BAD_OPTION', message);
}

/** The certificate for `--metrics`, if `--metrics-tls` asks for one. Throws `invalid`, BAD_OPTION, without a certificate. */
export function metricsTlsOf<Tls>(tls: Tls | undefined, { metricsTls }: TlsConfig): Tls | undefined {
  if (!metricsTls || tls) return metricsTls ? tls : undefined;
  const message = `${flagName('metricsTls')} needs the certificate of the program: name it with ${flagName('tls')}`;
  throw new EnjambreError('invalid', 'BAD_OPTION', message);
}

/** True if no other machine can reach the address. */
export function isLocal(address: Address): boolean {
  return address.kind === 'unix' || isLoopbackHost(address.host);
}

/**
 * The certificate files of a program; undefined if no setting names any. Throws `invalid` BAD_OPTION if one of them is
 * missing, `precondition` BAD_CERTIFICATE if they cannot be used by a program in this role.
 *
 * @param ownKey path of the key that the program has anyway
 */
export async function openTls(config: TlsConfig, role: Role, ownKey?: string): Promise<TlsStore | undefined> {
  const paths = config.insecure ? undefined : tlsPaths(config, ownKey);
  if (!paths) return undefined;
  const store = await TlsStore.open(paths);
  const { role: found } = store.current.identity;
  if (found === role) return store;
  const message = `the certificate in ${paths.cert} has the role ${found}: name one with the role ${role}`;
  throw new EnjambreError('precondition', 'BAD_CERTIFICATE', message);
}

/** An agent whose key never left it has none in the folder. */
function keyIn(folder: TlsPaths | undefined, ownKey: string | undefined): string | undefined {
  if (ownKey === undefined) return folder?.key;
  return folder && existsSync(folder.key) ? folder.key : ownKey;
}

function tlsPaths({ tls, ...files }: TlsConfig, ownKey: string | undefined): TlsPaths | undefined {
  const inFolder = tls === undefined ? undefined : tlsPathsIn(tls);
  const { tlsCa, tlsCert, tlsKey } = files;
  if (!inFolder && tlsCa === undefined && tlsCert === undefined && tlsKey === undefined) return undefined;
  const named = (key: keyof typeof files, path: string | undefined): string => {
    if (path !== undefined) return path;
    const message = `${flagName(key)} is missing: TLS needs a CA, a certificate and its key; ${flagName('tls')} names a folder with all`;
    throw new EnjambreError('invalid', 'BAD_OPTION', message);
  };
  return {
    ca: named('tlsCa', tlsCa ?? inFolder?.ca),
    cert: named('tlsCert', tlsCert ?? inFolder?.cert),
    key: named('tlsKey', tlsKey ?? keyIn(inFolder, ownKey)),
  };
}
