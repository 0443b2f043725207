import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { overlap } from '@enjambre/common/trust/authority-lists';
import { createAuthority, type Credential } from '@enjambre/common/trust/authority';
import { certificatesOf } from '@enjambre/common/trust/ca-chain';
import { CaSource } from '@enjambre/common/trust/ca-source';
import { CA_FOLDER, hasCa, readCa, writeCa } from '@enjambre/common/trust/ca-folder';
import { issueToken } from '@enjambre/common/trust/join-tokens';
import { hasJoined, memberPaths } from '@enjambre/common/trust/member-paths';
import type { ProgramTls } from '@enjambre/common/trust/program-tls';
import { SelfIssuedTls } from '@enjambre/common/trust/self-issued-tls';
import { writeMember } from '@enjambre/rpc/membership/joining';
import { FolderLock } from '@enjambre/peer-agent/adapters/state/folder-lock';
import { loadIdentity } from '@enjambre/peer-agent/adapters/state/secrets';
import { EnjambreError } from '@enjambre/core/error';
import { Issuer } from '@enjambre/tracker/adapters/certificates/issuer';

const DAY_MS = 86_400_000;
const AGENT_TTL_MS = 7 * DAY_MS;
const CA_TTL_MS = 3650 * DAY_MS;
const TOKEN_TTL_MS = DAY_MS;
const TOKEN_USES = 10;

/** The certificates of the services of `enjambre dev`. */
export interface DevTrust {
  readonly tracker: { readonly tls: ProgramTls; readonly issuer: Issuer };
  readonly messaging: { readonly tls: ProgramTls };
  /** For the next machines: it is good for a day. */
  readonly joinToken: () => string;
}

/** The CA in the data folder, made at the first start, and the certificates that it issues. */
export async function openDevTrust(dataDir: string): Promise<DevTrust> {
  const folder = join(dataDir, CA_FOLDER);
  if (!hasCa(folder))
    await writeCa(folder, await createAuthority(newName(), { now: Date.now(), ttlMs: CA_TTL_MS }));
  const ca = await readCa(folder);
  const source = await CaSource.open(folder);
  const authority = source.current;
  const lock = new FolderLock(dataDir);
  await lock.acquire();
  try {
    await enrol(dataDir, source);
  } finally {
    await lock.release();
  }
  const [tracker, messaging] = await Promise.all([
    SelfIssuedTls.create({ ca: source, role: 'tracker' }),
    SelfIssuedTls.create({ ca: source, role: 'messaging' }),
  ]);
  return {
    tracker: { tls: tracker, issuer: new Issuer(source, { revocations: tracker.revocations }) },
    messaging: { tls: messaging },
    joinToken: () => tokenOf(ca, authority.network),
  };
}

/** Networks of `dev` are told apart. */
function newName(): string {
  return `dev-${randomBytes(4).toString('hex')}`;
}

/** Makes the agent of this data folder a member, as if it had joined. The tracker renews its certificate. */
async function enrol(dataDir: string, ca: CaSource): Promise<void> {
  const paths = memberPaths(dataDir);
  if (hasJoined(dataDir) && !overlap(certificatesOf(await readFile(paths.ca, 'utf8')), ca.roots))
    throw otherNetwork(dataDir, paths.ca);
  const identity = await loadIdentity(dataDir);
  const validity = { now: Date.now(), ttlMs: AGENT_TTL_MS };
  const about = { role: 'agent', names: [], peerId: undefined, renewable: true } as const;
  const certificate = await ca.current.issue(identity.publicPem(), about, validity);
  await writeMember(paths, { certificate, authorities: ca.rootsPem });
}

function tokenOf(ca: Credential, network: string): string {
  const expiresAt = Date.now() + TOKEN_TTL_MS;
  return issueToken(ca, { network, role: 'agent', names: [], uses: TOKEN_USES, expiresAt });
}

function otherNetwork(dataDir: string, ca: string): EnjambreError {
  const message = `the agent in ${dataDir} is a member of another network: choose another folder with --data-dir, or remove ${dirname(ca)} to leave that network`;
  return new EnjambreError('precondition', 'OTHER_NETWORK', message);
}
