import { messageOf } from '@enjambre/core/error';
import { flagName } from '../config/options.js';
import type { TlsMode } from '../config/tls-options.js';
import { SYSTEM_CLOCK, type Clock, type Timer } from '../async/clock.js';
import type { Startable } from '../lifecycle/lifecycle.js';
import type { Logger } from '../log/logger.js';
import type { ProgramTls } from './program-tls.js';

/** Files are read this often: notifications miss the folders that Kubernetes swaps. */
const REVIEW_MS = 5000;
/** Lists of revoked certificates are read more often: a revocation is in use within seconds. */
const REVOCATIONS_MS = 1000;

/** Plaintext is to be a matter of hours: it is logged this often. */
const PLAINTEXT_MS = 60_000;

export interface TlsWatchComponents {
  readonly log: Logger;
  /** @default the system clock */
  readonly clock?: Pick<Clock, 'every'>;
}

/** Puts renewed certificate files to use while a program runs. */
export class TlsWatch implements Startable {
  #timers: Timer[] = [];
  /** Why the files cannot be used: logged once. */
  #problem: string | undefined;

  constructor(
    private readonly parts: TlsWatchComponents,
    private readonly tls: Pick<ProgramTls, 'review' | 'current' | 'revocations'>,
    private readonly init: { readonly tlsMode: TlsMode } = { tlsMode: 'require' },
  ) {}

  start(): Promise<void> {
    const clock = this.parts.clock ?? SYSTEM_CLOCK;
    this.tls.revocations.onChange(() => {
      this.#logRevocations();
    });
    this.#timers = [
      clock.every(REVIEW_MS, () => void this.review()),
      clock.every(REVOCATIONS_MS, () => void this.#reviewRevocations()),
    ];
    if (this.init.tlsMode === 'prefer') {
      this.#warn();
      this.#timers.push(clock.every(PLAINTEXT_MS, () => this.#warn()));
    }
    return Promise.resolve();
  }

  stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
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

  /** A file that cannot be read stays as it was read last, and is reported once: until it changes it is not read again. */
  async #reviewRevocations(): Promise<void> {
    try {
      await this.tls.revocations.review();
    } catch (error) {
      this.parts.log.warn(
        { err: error },
        `the list of revoked certificates stays as it was: ${messageOf(error)}`,
      );
    }
  }

  #warn(): void {
    this.parts.log.warn(
      { tls_mode: 'prefer' },
      `connections without TLS are allowed (${flagName('tlsMode')} prefer): end this once all programs of the network have certificates`,
    );
  }

  #logRevocations(): void {
    const { size } = this.tls.revocations;
    this.parts.log.info({ revocations: size }, `revoked certificates: ${size}`);
  }
}
