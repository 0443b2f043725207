import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { systemErrorText } from '../system-error.js';
import type { Credential } from './authority.js';

/** The files of a CA in its folder. */
export function caPathsIn(folder: string): Credential {
  return { cert: join(folder, 'ca.crt'), key: join(folder, 'ca.key') };
}

/** Reads the CA that `enjambre ca init` wrote. Throws `precondition`, BAD_CA. */
export async function readCa(folder: string): Promise<Credential> {
  const paths = caPathsIn(folder);
  const [cert, key] = await Promise.all([paths.cert, paths.key].map(read));
  return { cert: cert ?? '', key: key ?? '' };
}

async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    const message = `cannot read ${path} (${systemErrorText(cause)}): create a CA with \`enjambre ca init\`, or name its folder with --ca`;
    throw new EnjambreError('precondition', 'BAD_CA', message, { cause });
  });
}
