import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { AUTHORITIES_FILE } from '@enjambre/common/trust/authority-lists';
import { caPathsIn, hasCa, readCa, writeCa } from '@enjambre/common/trust/ca-folder';
import { recordIssued, recordOf } from '@enjambre/common/trust/issued-log';
import { readSignedLists, REVOCATIONS_FILE, writeSignedLists } from '@enjambre/common/trust/revocations';
import { ownRevocations, revoke } from '@enjambre/common/trust/revoke';
import type { Revocation } from '@enjambre/core/trust/revocation-list';
import { EnjambreError } from '@enjambre/core/error';
import type { Given } from '../client-command.js';
import type { Session } from '../context.js';
import { text } from '../option-values.js';
import { plain } from '../render/text.js';
import { pathFrom } from '../working-folder.js';
import { notWritable, ttlOf } from './ca-options.js';

const TTL_MS = 90 * 86_400_000;

/** `enjambre ca intermediate`: creates, or renews, the CA for a tracker, so that the root's key can stay off line. */
export async function intermediate(session: Session, root: string, given: Given): Promise<void> {
  const { output, context } = session;
  const said = text(given.out);
  if (said === undefined)
    throw new EnjambreError('invalid', 'USAGE', 'intermediate: name the folder for the new CA with --out');
  const folder = pathFrom(context, said);
  const { Authority } = await import('@enjambre/common/trust/authority');
  const authority = await Authority.open(await readCa(root));
  const revoked = hasCa(folder) ? await revokedBefore(folder, authority.network) : [];
  const ca = await authority.createIntermediate({ now: context.now(), ttlMs: ttlOf(given, TTL_MS) });
  await recordIssued(root, recordOf(ca.cert)).catch(notWritable(root));
  await writeCa(folder, ca).catch(notWritable(folder));
  await copyAuthorities(root, folder);
  await copyRevocations(root, folder);
  const at = { folder, ca, network: authority.network };
  if (revoked.length > 0) await revoke(at, revoked, context.now()).catch(notWritable(folder));
  const until = new Date(new X509Certificate(ca.cert).validTo).toISOString();
  const { network } = authority;
  output.object({ type: 'ca', network, path: folder, valid_until: until });
  output.line(`intermediate CA of the network ${network} created in ${plain(folder)}, valid until ${until}`);
  output.hint(
    `next: enjambre tracker --ca ${plain(said)}; keep ${plain(caPathsIn(root).key)} off line, and renew the intermediate CA with the same command`,
  );
}

/**
 * What the intermediate CA in a folder has revoked: its successor repeats it. Throws `already-exists`, CA_EXISTS, for
 * another CA in the folder.
 */
async function revokedBefore(folder: string, network: string): Promise<readonly Revocation[]> {
  const { Authority } = await import('@enjambre/common/trust/authority');
  const ca = await readCa(folder);
  const known = await Authority.open(ca);
  if (known.network === network && known.chain.intermediates.length > 0)
    return (await ownRevocations({ folder, ca, network })).revocations;
  const message = `there is another CA in ${folder}: name another folder with --out`;
  throw new EnjambreError('already-exists', 'CA_EXISTS', message);
}

/** The roots that members trust while the root is replaced. */
async function copyAuthorities(root: string, folder: string): Promise<void> {
  const lists = await readSignedLists(join(root, AUTHORITIES_FILE));
  if (lists.length > 0)
    await writeSignedLists(join(folder, AUTHORITIES_FILE), lists).catch(notWritable(folder));
}

/** The lists that the root knows and the tracker does not. */
async function copyRevocations(root: string, folder: string): Promise<void> {
  const [from, to] = [join(root, REVOCATIONS_FILE), join(folder, REVOCATIONS_FILE)];
  const lists = await readSignedLists(from);
  if (lists.length === 0) return;
  const signers = new Set(lists.map(({ signer }) => signer));
  const others = (await readSignedLists(to)).filter(({ signer }) => !signers.has(signer));
  await writeSignedLists(to, [...lists, ...others]).catch(notWritable(folder));
}
