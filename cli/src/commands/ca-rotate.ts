import { X509Certificate } from 'node:crypto';
import { readCa } from '@enjambre/common/trust/ca-folder';
import type { RotationStep } from '@enjambre/common/trust/rotation';
import type { Given } from '../client-command.js';
import type { Session } from '../context.js';
import { CA_TTL_MS, notWritable, ttlOf } from './ca-options.js';

interface Told {
  readonly number: number;
  readonly done: string;
  readonly next: string;
}

const STEPS: Readonly<Record<RotationStep, Told>> = {
  added: {
    number: 1,
    done: 'members will trust the new CA beside the old one',
    next: 'wait until all members were connected, repeat `ca issue` for programs with files and `ca intermediate` for trackers with an intermediate CA, and run `enjambre ca rotate` again',
  },
  issuing: {
    number: 2,
    done: 'the new CA issues certificates, and members renew theirs',
    next: 'wait for that (of members that were off line as well), repeat `ca intermediate` and `ca issue`, and run `enjambre ca rotate` again',
  },
  finished: {
    number: 3,
    done: 'the old CA is no longer trusted, and its key was removed',
    next: 'repeat `ca intermediate` and `ca issue` once more; a member that has missed this joins again',
  },
};

/** `enjambre ca rotate`: takes the next of three steps to replace the CA. */
export async function rotate(session: Session, folder: string, given: Given): Promise<void> {
  const { output, context } = session;
  const [{ rotateCa }, { Authority }] = await Promise.all([
    import('@enjambre/common/trust/rotation'),
    import('@enjambre/common/trust/authority'),
  ]);
  const validity = { now: context.now(), ttlMs: ttlOf(given, CA_TTL_MS) };
  const step = await rotateCa(folder, validity).catch(notWritable(folder));
  const ca = await readCa(folder);
  const { network } = await Authority.open(ca);
  const { number, done, next } = STEPS[step];
  const until = new Date(new X509Certificate(ca.cert).validTo).toISOString();
  output.object({ type: 'rotation', network, step: number, valid_until: until });
  output.line(`step ${number} of 3 for the CA of the network ${network}: ${done}`);
  output.hint(`next: ${next}`);
}
