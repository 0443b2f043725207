import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultDataDir } from '@enjambre/common/config/default-data-dir';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { CA_FOLDER, caPathsIn, hasCa, readCa, writeCa } from '@enjambre/common/trust/ca-folder';
import { recordIssued, recordOf } from '@enjambre/common/trust/issued-log';
import { identityOf } from '@enjambre/common/trust/tls-material';
import { tlsPathsIn } from '@enjambre/common/trust/tls-store';
import { EnjambreError } from '@enjambre/core/error';
import { shortId } from '@enjambre/core/ids';
import {
  MAX_PERMISSIONS,
  permissionText,
  tooManyPermissions,
  type Permission,
} from '@enjambre/core/trust/rights';
import { checkNetworkName, isRole, mayJoin, type Role } from '@enjambre/core/trust/certified-identity';
import type { Given } from '../client-command.js';
import type { Session } from '../context.js';
import { replaceFile } from '@enjambre/common/files/new-file';
import { text } from '../option-values.js';
import { plain } from '../render/text.js';
import { pathFrom } from '../working-folder.js';
import { CA_TTL_MS, notWritable, ttlOf } from './ca-options.js';

const DAY_MS = 86_400_000;
const TTL_MS = 90 * DAY_MS;
const TOKEN_TTL_MS = 3_600_000;
const PUBLIC = 0o644;
const PRIVATE = 0o600;

/** `enjambre ca`: creates a CA, and issues certificates. Makes no calls. */
export async function ca(
  session: Session,
  [action = '', ...refs]: readonly string[],
  given: Given,
): Promise<void> {
  if (action !== 'revoke' && refs.length > 0)
    throw new EnjambreError('invalid', 'USAGE', `ca ${action} takes no arguments, only flags`);
  if (action === 'init') return init(session, given);
  if (action === 'issue') return issue(session, given);
  if (action === 'token') return token(session, given);
  const folder = caFolder(session, given);
  if (action === 'intermediate')
    return (await import('./ca-intermediate.js')).intermediate(session, folder, given);
  if (action === 'rotate') return (await import('./ca-rotate.js')).rotate(session, folder, given);
  if (action === 'ls') return (await import('./ca-revoke.js')).listAt(session, folder);
  if (action === 'revoke') {
    const serials = Array.isArray(given.serial) ? given.serial.map(String) : [];
    return (await import('./ca-revoke.js')).revokeAt(session, { folder, refs, serials });
  }
  throw new EnjambreError(
    'invalid',
    'USAGE',
    'write `ca init`, `ca issue`, `ca token`, `ca intermediate`, `ca rotate`, `ca revoke` or `ca ls`',
  );
}

async function init(session: Session, given: Given): Promise<void> {
  const { output, context } = session;
  const folder = caFolder(session, given);
  const network = checkNetworkName(text(given.network) ?? 'enjambre');
  if (hasCa(folder)) {
    const message = `there is a CA in ${folder}: name another folder with --ca, or use that one`;
    throw new EnjambreError('already-exists', 'CA_EXISTS', message);
  }
  const { createAuthority } = await import('@enjambre/common/trust/authority');
  const { cert, key } = await createAuthority(network, {
    now: context.now(),
    ttlMs: ttlOf(given, CA_TTL_MS),
  });
  await writeCa(folder, { cert, key }).catch(notWritable(folder));
  const until = new Date(new X509Certificate(cert).validTo).toISOString();
  output.object({ type: 'ca', network, path: folder, valid_until: until });
  output.line(`CA of the network ${network} created in ${plain(folder)}`);
  output.hint(
    `keep ${plain(caPathsIn(folder).key)} secret; next: enjambre ca issue --role tracker --out DIR`,
  );
}

async function issue(session: Session, given: Given): Promise<void> {
  const { output, context } = session;
  const out = text(given.out);
  if (out === undefined)
    throw new EnjambreError('invalid', 'USAGE', 'issue: name the folder for the certificate with --out');
  const folder = pathFrom(context, out);
  const caAt = caFolder(session, given);
  const paths = tlsPathsIn(folder);
  const known = (await exists(paths.key)) ? await readFile(paths.key, 'utf8') : undefined;
  const key = known ?? PeerIdentity.generate().toPem();
  const { CaSource } = await import('@enjambre/common/trust/ca-source');
  const source = await CaSource.open(caAt);
  const issuer = source.current;
  const publicKey = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'pem' }).toString();
  const role = roleOf(given);
  const names = namesOf(given);
  const validity = { now: context.now(), ttlMs: ttlOf(given, TTL_MS) };
  const may = permissionsOf(given);
  const cert = await issuer.issue(publicKey, { role, names, may, peerId: undefined }, validity);
  await write(folder, [
    ...(known === undefined ? [[paths.key, key, PRIVATE] as const] : []),
    [paths.ca, source.rootsPem, PUBLIC],
    [paths.cert, cert, PUBLIC],
  ]);
  await recordIssued(caAt, recordOf(cert)).catch(notWritable(caAt));
  const parsed = new X509Certificate(cert);
  const { peerId } = identityOf(parsed);
  const until = new Date(parsed.validTo).toISOString();
  output.object({
    type: 'certificate',
    network: issuer.network,
    role,
    ...(peerId !== undefined && { peer: { id: peerId } }),
    ...(names.length > 0 && { names }),
    ...(may && { may: may.map(permissionText) }),
    path: folder,
    valid_until: until,
  });
  const holder = peerId === undefined ? role : `${role} ${shortId(peerId)}`;
  output.line(
    `certificate for ${holder} of the network ${issuer.network} in ${plain(folder)}, valid until ${until}`,
  );
  output.hint(`next: enjambre ${isService(role) ? role : 'COMMAND'} --tls ${plain(out)}`);
}

async function token(session: Session, given: Given): Promise<void> {
  const role = roleOf(given);
  if (!mayJoin(role)) {
    const message =
      'a join token is for agents and messaging services: issue a certificate for other roles with `enjambre ca issue`';
    throw new EnjambreError('invalid', 'USAGE', message);
  }
  const { output, context } = session;
  const ca = await readCa(caFolder(session, given));
  const [{ Authority }, { issueToken }] = await Promise.all([
    import('@enjambre/common/trust/authority'),
    import('@enjambre/common/trust/join-tokens'),
  ]);
  const { network } = await Authority.open(ca);
  const terms = {
    network,
    role,
    names: namesOf(given),
    may: permissionsOf(given),
    uses: typeof given.uses === 'number' ? given.uses : 1,
    expiresAt: context.now() + ttlOf(given, TOKEN_TTL_MS),
  };
  const text = issueToken(ca, terms);
  const until = new Date(terms.expiresAt).toISOString();
  output.object({
    type: 'join_token',
    token: text,
    network,
    role: terms.role,
    uses: terms.uses,
    ...(terms.may && { may: terms.may.map(permissionText) }),
    valid_until: until,
  });
  output.line(text);
  const times = terms.uses === 1 ? 'once' : `${terms.uses} times`;
  output.hint(`good ${times} until ${until}: enjambre ${role} --tracker HOST --join TOKEN`);
}

function namesOf({ name }: Given): string[] {
  return Array.isArray(name) ? name.map(String) : [];
}

/** Undefined if there is no `--may`. */
function permissionsOf({ may }: Given): readonly Permission[] | undefined {
  if (!Array.isArray(may)) return undefined;
  if (may.length > MAX_PERMISSIONS) throw tooManyPermissions();
  return may as readonly Permission[];
}

function isService(role: Role): boolean {
  return role === 'tracker' || role === 'messaging' || role === 'agent';
}

function roleOf(given: Given): Role {
  const said = text(given.role) ?? 'agent';
  return isRole(said) ? said : 'agent';
}

function caFolder({ context }: Session, given: Given): string {
  const said = text(given.ca);
  return said === undefined ? join(defaultDataDir(context.environment), CA_FOLDER) : pathFrom(context, said);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

type NewFile = readonly [path: string, data: string, mode: number];

async function write(folder: string, files: readonly NewFile[]): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const [path, data, mode] of files) await replaceFile(path, data, mode);
  } catch (error) {
    notWritable(folder)(error);
  }
}
