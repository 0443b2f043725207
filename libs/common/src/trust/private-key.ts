import { stat } from 'node:fs/promises';

/** In the mode of a file. */
const OTHERS_MAY_READ = 0o004;

/** Why the file of a private key is not private, as a sentence that says what to do; undefined if it is. */
export async function exposureOf(path: string): Promise<string | undefined> {
  const { mode } = await stat(path);
  if ((mode & OTHERS_MAY_READ) === 0) return undefined;
  return `every user of this machine can read the private key in ${path}: run "chmod o-rwx ${path}"`;
}
