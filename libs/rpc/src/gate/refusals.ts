import type { Clock } from '@enjambre/common/async/clock';
import type { Logger } from '@enjambre/common/log/logger';
import type { Metrics, Sample } from '@enjambre/common/metrics/metrics';
import type { EnjambreError } from '@enjambre/core/error';

/** What is refused: a connection or call before it begins, or a connection that is ended for its conduct. */
export type Refused = 'connection' | 'call' | 'ended';

export interface RefusalsComponents {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** A party is logged again after this time. */
const LOG_MS = 60_000;
/** Parties that are logged in this time; others are only counted. */
const MAX_LOGGED = 100;

/** Counts what a server refuses, and logs it: a line a minute for each party at most. */
export class Refusals {
  readonly #counts = new Map<Refused, Map<string, number>>();
  readonly #logged = new Set<string>();
  #loggedSinceMs = -Infinity;

  constructor(private readonly parts: RefusalsComponents) {}

  add(refused: Refused, party: string, { reason, message }: Pick<EnjambreError, 'reason' | 'message'>): void {
    const counts = this.#counts.get(refused) ?? new Map<string, number>();
    this.#counts.set(refused, counts.set(reason, (counts.get(reason) ?? 0) + 1));
    if (!this.#mayLog(party)) return;
    const what = refused === 'ended' ? 'ended a connection' : `refused a ${refused}`;
    this.parts.log.warn({ party, reason }, `${what} of ${party}: ${message}`);
  }

  /** For metrics: a reason is a constant, so their number is bounded. */
  *samples(): Generator<Sample> {
    for (const [what, counts] of this.#counts)
      for (const [reason, count] of counts) yield [{ what, reason }, count];
  }

  #mayLog(party: string): boolean {
    const nowMs = this.parts.clock.nowMs();
    if (nowMs - this.#loggedSinceMs >= LOG_MS) {
      this.#loggedSinceMs = nowMs;
      this.#logged.clear();
    }
    if (this.#logged.has(party) || this.#logged.size >= MAX_LOGGED) return false;
    this.#logged.add(party);
    return true;
  }
}

/** Publishes what the servers of a process refuse. */
export function measureRefusals(metrics: Metrics, refusals: Pick<Refusals, 'samples'>): void {
  metrics.counter(
    {
      name: 'enjambre_server_refusals_total',
      help: 'Connections and calls that a server refused, and connections that it ended, by reason.',
      labels: ['what', 'reason'],
    },
    () => refusals.samples(),
  );
}
