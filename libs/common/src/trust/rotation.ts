import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { readAuthorityList } from '@enjambre/core/trust/authority-list';
import { replaceFile } from '../files/new-file.js';
import { AUTHORITIES_FILE, writeAuthorityList } from './authority-lists.js';
import { Authority, createAuthority, type Credential, type Validity } from './authority.js';
import { readCa, readCaFiles, writeCa } from './ca-folder.js';
import { readSignedLists } from './revocations.js';
import { ownRevocations, revoke } from './revoke.js';

/** What a step of the rotation of a CA has done. */
export type RotationStep = 'added' | 'issuing' | 'finished';

const pathsOf = (folder: string, what: 'next' | 'old'): Credential => ({
  cert: join(folder, `${what}.crt`),
  key: join(folder, `${what}.key`),
});

/**
 * Takes the next step to replace the root CA in a folder: members trust a new one as well; it issues; the old one goes.
 * Each step can be repeated if it was interrupted. Throws `precondition` BAD_CA, and the system's errors.
 */
export async function rotateCa(folder: string, validity: Validity): Promise<RotationStep> {
  const [next, old] = [pathsOf(folder, 'next').cert, pathsOf(folder, 'old').cert].map(existsSync);
  // An interrupted second step may have left a key beside the certificate of another.
  const known = old ? await readCaFiles(pathsOf(folder, 'old')) : await readCa(folder);
  const { network } = await Authority.open(known);
  const at = { folder, network, number: Math.max(validity.now, 1 + (await lastNumber(folder))) };
  if (next) return issueWithNext(at);
  if (old) return dropOld(at);
  return addNext(at, validity);
}

interface Rotated {
  readonly folder: string;
  readonly network: string;
  /** Of the list of CAs. */
  readonly number: number;
}

async function addNext({ folder, ...list }: Rotated, validity: Validity): Promise<RotationStep> {
  const current = await readCa(folder);
  const next = await createAuthority(list.network, validity);
  const paths = pathsOf(folder, 'next');
  await replaceFile(paths.key, next.key, 0o600);
  await replaceFile(paths.cert, next.cert, 0o644);
  await writeList({ folder, ...list }, [current, next]);
  return 'added';
}

async function issueWithNext({ folder, ...list }: Rotated): Promise<RotationStep> {
  const [next, old] = [pathsOf(folder, 'next'), pathsOf(folder, 'old')];
  // After an interruption, the current CA may be the new one already.
  if (!existsSync(old.cert)) {
    const current = await readCa(folder);
    await replaceFile(old.key, current.key, 0o600);
    await replaceFile(old.cert, current.cert, 0o644);
  }
  const [oldCa, nextCa] = [await readCaFiles(old), await readCaFiles(next)];
  const { revocations } = await ownRevocations({ folder, ca: oldCa, network: list.network });
  await writeList({ folder, ...list }, [nextCa, oldCa]);
  await writeCa(folder, nextCa);
  if (revocations.length > 0)
    await revoke({ folder, ca: nextCa, network: list.network }, revocations, list.number);
  await rm(next.cert);
  await rm(next.key);
  return 'issuing';
}

async function dropOld({ folder, ...list }: Rotated): Promise<RotationStep> {
  const old = pathsOf(folder, 'old');
  const [oldCa, current] = [await readCaFiles(old), await readCa(folder)];
  await writeList({ folder, ...list }, [current], [oldCa]);
  await rm(old.cert);
  await rm(old.key);
  return 'finished';
}

/** Writes the list of `trusted` CAs, which they and `others` sign. */
async function writeList(
  { folder, ...list }: Rotated,
  trusted: readonly Credential[],
  others: readonly Credential[] = [],
): Promise<void> {
  const certificates = await Promise.all(trusted.map(rootOf));
  await writeAuthorityList(join(folder, AUTHORITIES_FILE), { ...list, certificates }, [
    ...trusted,
    ...others,
  ]);
}

async function rootOf(ca: Credential): Promise<Authority['chain']['issuer']> {
  const { chain } = await Authority.open(ca);
  if (chain.intermediates.length === 0) return chain.issuer;
  const message =
    'an intermediate CA is renewed with `enjambre ca intermediate`, and the root with `ca rotate` in its own folder';
  throw new EnjambreError('precondition', 'BAD_CA', message);
}

async function lastNumber(folder: string): Promise<number> {
  const lists = await readSignedLists(join(folder, AUTHORITIES_FILE));
  return Math.max(0, ...lists.map(({ signed }) => readAuthorityList(signed).number));
}
