import {
  seedingEnd,
  seedLimitsOf,
  withoutReached,
  type SeedingEnd,
  type SeedLimits,
} from '../../domain/limits/seed-limits.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { TransferLimits } from '../agent/limits.js';
import { startSeedingChores, type SeedingChores } from '../upload/seeding-chores.js';
import { Serving, type ServingComponents } from '../upload/serving.js';
import type { StateMachine } from './state-machine.js';
import type { TransferComponents } from './transfer-components.js';
import type { TransferState } from './transfer-view.js';

/** Looks of the seeding chores between two records of the time: about a minute. */
const SAVE_LOOKS = 30;

/** What the seeding limits of a transfer look at. The record is put together when it is read. */
interface Seeder {
  readonly record: TransferRecord;
  readonly home: Pick<TransferRecord, 'origin'>;
  readonly state: TransferState;
  readonly limits: TransferLimits;
}

/** The limits on the seeding of a transfer. */
export class Seeding {
  #looks = 0;

  constructor(
    private readonly parts: Pick<TransferComponents, 'limits' | 'counted'>,
    private readonly its: Seeder,
  ) {}

  /** The limits in force. */
  get limits(): SeedLimits {
    const { home, limits } = this.its;
    return seedLimitsOf({ ...limits.settings, origin: home.origin }, this.parts.limits.seeding);
  }

  /** True if a limit has ended its seeding, and is still reached. */
  get isDone(): boolean {
    return this.its.state === 'finished' && this.#end !== undefined;
  }

  /** Why it must stop seeding now. While it need not, the time that it has seeded is recorded about every minute. */
  look(): SeedingEnd | undefined {
    if (this.its.state !== 'seeding') return undefined;
    this.#looks += 1;
    if (this.#looks % SAVE_LOOKS === 0 && this.limits.seedTimeMs !== Infinity) this.parts.counted();
    return this.#end;
  }

  /** Lets it seed on: removes the limits that are reached, if they ended its seeding. */
  lift(): void {
    const { state, limits, record } = this.its;
    if (state === 'finished') limits.change(withoutReached(record, this.limits));
  }

  get #end(): SeedingEnd | undefined {
    const { limits } = this;
    const isLimited = limits.seedRatio !== Infinity || limits.seedTimeMs !== Infinity;
    return isLimited ? seedingEnd(this.its.record, limits) : undefined;
  }
}

/** Serves the whole content and scrubs it in the background. Peers that fetch from the download stay connected. */
export function beginSeeding(
  states: StateMachine,
  parts: ServingComponents & Pick<SeedingChores, 'store' | 'damaged'> & Pick<TransferComponents, 'clock'>,
  heard: Pick<SeedingChores, 'resealed' | 'sent' | 'elapsed'>,
): void {
  const serving = states.serving ?? new Serving(parts);
  const endChores = startSeedingChores({ ...parts, ...heard });
  if (states.offer({ kind: 'whole', serving, endChores })) states.enter('seeding');
  else endChores(); // Halted while the content was moved to its place.
}
