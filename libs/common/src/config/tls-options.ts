import { existsSync } from 'node:fs';
import { EnjambreError } from '@enjambre/core/error';
import type { Role } from '@enjambre/core/trust/certified-identity';
import { TlsStore, tlsPathsIn, type TlsPaths } from '../trust/tls-store.js';
import { flagName, type Option } from './options.js';
import { pathSchema } from './schemas.js';

/** The settings that name the certificate files of a program. */
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
} satisfies Record<string, Option>;

export interface TlsConfig {
  readonly tls?: string | undefined;
  readonly tlsCa?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
}

/**
 * The certificate files of a program; undefined if no setting names any. Throws `invalid` BAD_OPTION if one of them is
 * missing, `precondition` BAD_CERTIFICATE if they cannot be used by a program in this role.
 *
 * @param ownKey path of the key that the program has anyway
 */
export async function openTls(config: TlsConfig, role: Role, ownKey?: string): Promise<TlsStore | undefined> {
  const paths = tlsPaths(config, ownKey);
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
