import { exitAtOnce } from '../log/standard-output.js';
import type { Startable } from './lifecycle.js';

/** Exit code of a process ended by a signal: 128 + the signal's number. */
const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Starts `service`, waits for SIGINT or SIGTERM and stops it; a second signal ends the
 * process at once. Resolves when the service has stopped. Throws what `start` throws.
 */
export async function runUntilSignal(service: Startable): Promise<void> {
  let signalled: () => void = () => undefined;
  const signal = new Promise<void>((resolve) => (signalled = resolve));
  let count = 0;
  const onSignal = (name: keyof typeof SIGNAL_EXIT): void => {
    count += 1;
    if (count > 1) exitAtOnce(SIGNAL_EXIT[name]);
    else signalled();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    await service.start();
    await signal;
    await service.stop();
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}
