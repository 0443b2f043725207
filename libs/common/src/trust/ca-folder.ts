import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { replaceFile } from '../files/new-file.js';
import { systemErrorText } from '../system-error.js';
import type { Credential } from './authority.js';
import { exposureOf } from './private-key.js';

/** Name of the folder of a CA in a data folder. */
export const CA_FOLDER = 'ca';

/** The files of a CA in its folder. */
export function caPathsIn(folder: string): Credential {
  return { cert: join(folder, 'ca.crt'), key: join(folder, 'ca.key') };
}

/** Writes a new CA to a folder; its key is readable by its owner only. Throws the system's errors. */
export async function writeCa(folder: string, { cert, key }: Credential): Promise<void> {
  const paths = caPathsIn(folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // The certificate last: without it, the folder holds no CA.
  await replaceFile(paths.key, key, 0o600);
  await replaceFile(paths.cert, cert, 0o644);
}

/** True if a folder holds a CA. */
export function hasCa(folder: string): boolean {
  return existsSync(caPathsIn(folder).cert);
}

/** Reads the CA that `enjambre ca init` wrote. Throws `precondition`, BAD_CA. */
export async function readCa(folder: string): Promise<Credential> {
  return readCaFiles(caPathsIn(folder));
}

/** The same with the paths of the two files. */
export async function readCaFiles(paths: Credential): Promise<Credential> {
  const [cert, key] = await Promise.all([paths.cert, paths.key].map(read));
  const exposure = await exposureOf(paths.key);
  if (exposure !== undefined) throw new EnjambreError('precondition', 'BAD_CA', exposure);
  return { cert: cert ?? '', key: key ?? '' };
}

async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    const message = `cannot read ${path} (${systemErrorText(cause)}): create a CA with \`enjambre ca init\`, or name its folder with --ca`;
    throw new EnjambreError('precondition', 'BAD_CA', message, { cause });
  });
}
