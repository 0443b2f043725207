import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { readCa } from '@enjambre/common/trust/ca-folder';
import { readIssued, type IssuedRecord } from '@enjambre/common/trust/issued-log';
import { REVOCATIONS_FILE } from '@enjambre/common/trust/revocations';
import { ownRevocations, revoke, type CaInFolder } from '@enjambre/common/trust/revoke';
import { EnjambreError } from '@enjambre/core/error';
import { parsePeerId, shortId, type PeerId } from '@enjambre/core/ids';
import { isSerial, normalSerial, type Revocation, type Revoked } from '@enjambre/core/trust/revocation-list';
import type { Session } from '../context.js';
import { table } from '../render/table.js';
import { plain } from '../render/text.js';

/** Certificates of joined members live this long: those that a tracker renewed elsewhere are not known here. */
const RENEWED_MS = 8 * 86_400_000;
/** Digits of a peer id that may stand for it. */
const SHORT_ID = /^[0-9a-f]{4,63}$/;

const COLUMNS = [
  { title: 'role' },
  { title: 'names' },
  { title: 'peer', overflow: 'keep' },
  { title: 'serial', overflow: 'keep' },
  { title: 'valid until' },
  { title: 'revoked at' },
] as const;

/** What `ca revoke` is asked to revoke. */
export interface RevokeRequest {
  readonly folder: string;
  /** Names, peer ids or their first digits. */
  readonly refs: readonly string[];
  readonly serials: readonly string[];
}

/** `enjambre ca revoke`: adds peers and certificates to the list of the CA. */
export async function revokeAt(session: Session, { folder, refs, serials }: RevokeRequest): Promise<void> {
  const { output, context } = session;
  if (refs.length === 0 && serials.length === 0)
    throw usage('revoke: name the peers, or certificates with --serial; `enjambre ca ls` lists both');
  const at = await openCa(folder);
  const now = context.now();
  const issued = await readIssued(folder, now);
  const fallback = Date.parse(new X509Certificate(at.ca.cert).validTo);
  const expiryOf = (records: readonly IssuedRecord[]): number =>
    records.length === 0
      ? fallback
      : Math.max(...records.map(({ expiresAt }) => expiresAt), now + RENEWED_MS);
  const revocations: Revocation[] = [
    ...refs
      .map((ref) => peerCalled(ref, issued))
      .map((peer) => ({
        ...{ peer, revokedAt: now },
        expiresAt: expiryOf(issued.filter((record) => record.peer === peer)),
      })),
    ...serials.map(serialIn).map((serial) => ({
      ...{ serial, revokedAt: now },
      expiresAt: issued.find((record) => record.serial === serial)?.expiresAt ?? fallback,
    })),
  ];
  const list = await revoke(at, revocations, now);
  for (const asked of revocations) {
    // What was revoked before keeps its time.
    const each = list.revocations.find(({ peer, serial }) => peer === asked.peer && serial === asked.serial);
    output.object({ type: 'revocation', ...wire(each ?? asked) });
    output.line(`revoked ${describe(asked)}: list ${list.number} of the network ${at.network}`);
  }
  const path = plain(join(folder, REVOCATIONS_FILE));
  output.hint(
    `trackers with this folder use it within seconds, and pass it on; copy ${path} to the --ca or --tls folders elsewhere. To readmit a machine, let it join with a new key`,
  );
}

/** `enjambre ca ls`: the certificates that were issued with this folder, and what is revoked. */
export async function listAt(session: Session, folder: string): Promise<void> {
  const { output, context } = session;
  const at = await openCa(folder);
  const issued = await readIssued(folder, context.now());
  const { revocations } = await ownRevocations(at);
  const revocationOf = ({ serial, peer }: IssuedRecord): Revocation | undefined =>
    revocations.find((each) => (each.peer === undefined ? each.serial === serial : each.peer === peer));
  const others = revocations.filter((each) => !issued.some((record) => revocationOf(record) === each));
  for (const record of issued)
    output.object({ type: 'issued_certificate', ...recordFields(record, revocationOf(record)) });
  for (const each of others) output.object({ type: 'revocation', ...wire(each) });
  if (issued.length === 0 && others.length === 0) {
    output.hint(`no certificates were issued with ${plain(folder)}`);
    return;
  }
  const rows = [
    ...issued.map((record) => {
      const { serial, role, peer, names, expiresAt } = record;
      const holder = peer === undefined ? '' : shortId(peer);
      const state = stateOf(revocationOf(record));
      return [role, names.join(', '), holder, serial, new Date(expiresAt).toISOString(), state];
    }),
    ...others.map((each) => [
      '',
      '',
      each.peer ? shortId(each.peer) : '',
      each.serial ?? '',
      '',
      stateOf(each),
    ]),
  ];
  output.line(
    table(
      COLUMNS,
      rows.map((row) => row.map(plain)),
      output,
    ),
  );
}

async function openCa(folder: string): Promise<CaInFolder> {
  const [ca, { Authority }] = await Promise.all([readCa(folder), import('@enjambre/common/trust/authority')]);
  const { network } = await Authority.open(ca);
  return { folder, ca, network };
}

/** Throws `invalid` USAGE, `not-found` or `ambiguous`. */
function peerCalled(ref: string, issued: readonly IssuedRecord[]): PeerId {
  const said = ref.toLowerCase();
  if (/^[0-9a-f]{64}$/.test(said)) return parsePeerId(said);
  const byName = peersOf(issued.filter(({ names }) => names.includes(ref)));
  const found = byName.length > 0 ? byName : peersOf(issued.filter(({ peer }) => isCalled(said, peer)));
  const [peer, ...others] = found;
  if (peer === undefined) {
    const message = `no certificate of a peer called ${ref} was issued with this folder: write its whole peer id, as \`enjambre peers --json\` shows it`;
    throw new EnjambreError('not-found', 'UNKNOWN_PEER', message);
  }
  if (others.length === 0) return peer;
  const ids = found.map(shortId).join(', ');
  throw new EnjambreError(
    'precondition',
    'AMBIGUOUS_PEER',
    `${ref} may be ${ids}: write more digits of the peer id`,
  );
}

function isCalled(digits: string, peer: PeerId | undefined): boolean {
  return peer !== undefined && SHORT_ID.test(digits) && peer.startsWith(digits);
}

function peersOf(records: readonly IssuedRecord[]): PeerId[] {
  return [...new Set(records.flatMap(({ peer }) => (peer === undefined ? [] : [peer])))];
}

function serialIn(text: string): string {
  const serial = normalSerial(text);
  if (isSerial(serial)) return serial;
  throw usage(
    `revoke: ${text} is not a serial number: write its hex digits, as \`enjambre ca ls\` shows them`,
  );
}

function wire({ peer, serial, revokedAt, expiresAt }: Revocation): object {
  return {
    ...(peer === undefined ? { serial } : { peer: { id: peer } }),
    revoked_at: new Date(revokedAt).toISOString(),
    expires_at: new Date(expiresAt).toISOString(),
  };
}

function describe({ peer, serial }: Revoked): string {
  return peer === undefined ? `the certificate ${serial}` : `all certificates of peer ${shortId(peer)}`;
}

function recordFields({ serial, role, peer, names, expiresAt }: IssuedRecord, revoked?: Revocation): object {
  return {
    ...{ serial, role },
    ...(peer !== undefined && { peer: { id: peer } }),
    ...(names.length > 0 && { names }),
    valid_until: new Date(expiresAt).toISOString(),
    ...(revoked && { revoked_at: new Date(revoked.revokedAt).toISOString() }),
  };
}

function stateOf(revocation: Revocation | undefined): string {
  return revocation ? new Date(revocation.revokedAt).toISOString() : '';
}

function usage(message: string): EnjambreError {
  return new EnjambreError('invalid', 'USAGE', message);
}
