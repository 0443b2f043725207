import { Reconnection } from '@enjambre/common/async/reconnection';
import { sleep } from '@enjambre/common/async/sleep';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import { learnTrust, type TrustHolder, type TrustNews } from '@enjambre/common/trust/trust-news';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { TrackerServiceClient } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { readStream } from '../client.js';
import type { Dialer } from '../dialer.js';

export interface TrustWatchComponents {
  readonly dialer: Dialer;
  readonly trust: TrustHolder;
  readonly log: Logger;
}

/** Takes from the trackers of a network what its members must know of the CAs. For programs without a session. */
export class TrustWatch implements Startable {
  readonly #stopping = new AbortController();
  readonly #reconnection = new Reconnection(() => performance.now());
  #running: Promise<void> | undefined;
  /** Why there is no stream: logged once. */
  #problem: string | undefined;

  /** @param trackers HOST:PORT of each */
  constructor(
    private readonly parts: TrustWatchComponents,
    private readonly trackers: readonly string[],
  ) {}

  start(): Promise<void> {
    this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    for (let turn = 0, isOpen = true; isOpen; turn++) {
      const tracker = this.trackers[turn % this.trackers.length] ?? '';
      const error = await this.#follow(tracker).catch((cause: unknown) => EnjambreError.from(cause));
      if (error && !signal.aborted) this.#tell(tracker, error);
      const { reason = '', retryAfterMs } = error ?? {};
      isOpen = await sleep(this.#reconnection.waitMs({ reason, retryAfterMs }), signal);
    }
  }

  /** Resolves when the stream has ended. */
  async #follow(tracker: string): Promise<undefined> {
    const { dialer } = this.parts;
    const { signal } = this.#stopping;
    const client = dialer.client(TrackerServiceClient, tracker, 'tracker');
    try {
      for await (const { news } of readStream(client.watchTrustNews({}), signal)) {
        this.#reconnection.opened();
        this.#problem = undefined;
        if (news) await this.#learn(news);
      }
    } finally {
      client.close();
    }
  }

  /** News that cannot be written to the disk count until a restart. */
  async #learn(news: TrustNews): Promise<void> {
    const { trust, log } = this.parts;
    await learnTrust(trust, news).catch((err: unknown) => {
      log.warn({ err }, `what the tracker says of the CAs is not kept: ${messageOf(err)}`);
    });
  }

  #tell(tracker: string, { message }: EnjambreError): void {
    if (this.#problem === message) return;
    this.#problem = message;
    this.parts.log.warn(
      { tracker },
      `tracker ${tracker} does not say what the CAs have revoked: ${message}; retrying until it does`,
    );
  }
}
