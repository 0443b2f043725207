import { resolveOptions, type Environment, type Flags } from '@enjambre/common/config/options';
import { runUntilSignal } from '@enjambre/common/lifecycle/run';
import { trackerOptions } from './config.js';
import { createTracker } from './service.js';

/**
 * Runs a tracker in the foreground until SIGINT or SIGTERM. Throws `invalid` BAD_OPTION,
 * `unavailable` PORT_IN_USE or CANNOT_LISTEN.
 */
export async function run(flags: Flags, environment: Environment): Promise<void> {
  await runUntilSignal(createTracker(resolveOptions(trackerOptions, flags, environment)));
}
