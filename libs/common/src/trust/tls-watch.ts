import { messageOf } from '@enjambre/core/error';
import { SYSTEM_CLOCK, type Clock, type Timer } from '../async/clock.js';
import type { Startable } from '../lifecycle/lifecycle.js';
import type { Logger } from '../log/logger.js';
import type { ProgramTls } from './program-tls.js';

/** Files are read this often: notifications miss the folders that Kubernetes swaps. */
const REVIEW_MS = 5000;

export interface TlsWatchComponents {
  readonly log: Logger;
  /** @default the system clock */
  readonly clock?: Pick<Clock, 'every'>;
}

/** Puts renewed certificate files to use while a program runs. */
export class TlsWatch implements Startable {
  #timer: Timer | undefined;
  /** Why the files cannot be used: logged once. */
  #problem: string | undefined;

  constructor(
    private readonly parts: TlsWatchComponents,
    private readonly tls: Pick<ProgramTls, 'review' | 'current'>,
  ) {}

  start(): Promise<void> {
    this.#timer = (this.parts.clock ?? SYSTEM_CLOCK).every(REVIEW_MS, () => void this.review());
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#timer?.cancel();
    return Promise.resolve();
  }

  async review(): Promise<void> {
    const { log } = this.parts;
    try {
      const isNew = await this.tls.review();
      this.#problem = undefined;
      if (!isNew) return;
      const until = this.tls.current.notAfter.toISOString();
      log.info({ certificate: { valid_until: until } }, `new certificate in use: valid until ${until}`);
    } catch (error) {
      const problem = messageOf(error);
      if (problem === this.#problem) return;
      this.#problem = problem;
      log.warn({ err: error }, `the certificate cannot be renewed: ${problem}`);
    }
  }
}
