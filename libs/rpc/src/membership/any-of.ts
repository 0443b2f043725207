import { flagName } from '@enjambre/common/config/options';
import { EnjambreError } from '@enjambre/core/error';
import { TLS_FAILED } from '../status.js';

/** The first certificate of several trackers. Otherwise throws a refusal before the error of one that issues none. */
export async function anyOf<T>(
  addresses: readonly string[],
  ask: (address: string) => Promise<T>,
): Promise<T> {
  const failures: EnjambreError[] = [];
  for (const address of addresses) {
    try {
      return await ask(address);
    } catch (error) {
      failures.push(explained(error, address));
    }
  }
  throw (
    failures.find(({ code }) => code !== 'unavailable' && code !== 'timeout') ?? failures[0] ?? noTracker()
  );
}

function noTracker(): EnjambreError {
  const message = `${flagName('join')} needs the address of a tracker: name it with ${flagName('tracker')}`;
  return new EnjambreError('invalid', 'BAD_OPTION', message);
}

function explained(error: unknown, address: string): EnjambreError {
  const known = EnjambreError.from(error);
  if (known.reason === 'UNIMPLEMENTED') {
    const message = `the tracker at ${address} issues no certificates: start it with ${flagName('ca')}, or name one that was`;
    return new EnjambreError('unavailable', 'NO_CA', message, { cause: error });
  }
  if (known.reason === TLS_FAILED && /clock/.test(known.message)) {
    const message = `cannot trust the tracker at ${address}: ${known.message}`;
    return new EnjambreError('unauthenticated', 'WRONG_CLOCK', message, { cause: error });
  }
  if (known.reason !== 'UNAVAILABLE' && known.reason !== TLS_FAILED) return known;
  const message = `no tracker with TLS answers at ${address}: check the address, and start it with ${flagName('ca')}`;
  return new EnjambreError('unavailable', 'TRACKER_UNREACHABLE', message, { cause: error });
}
