import { join } from 'node:path';
import type { CaSource } from './ca-source.js';
import type { ProgramTls } from './program-tls.js';
import { REVOCATIONS_FILE } from './revocations.js';

/** The certificate of a program from files, beside a CA with which it issues those of others. */
export async function tlsWithCa(tls: ProgramTls, ca: CaSource): Promise<ProgramTls> {
  tls.revocations.addFile(join(ca.folder, REVOCATIONS_FILE));
  await tls.revocations.review();
  return {
    get current() {
      return tls.current;
    },
    revocations: tls.revocations,
    authorityLists: ca.authorityLists,
    onChange: (listener) => {
      tls.onChange(listener);
    },
    review: async () => {
      await ca.review();
      return tls.review();
    },
  };
}
