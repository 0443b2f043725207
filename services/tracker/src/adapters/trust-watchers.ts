import { EnjambreError } from '@enjambre/core/error';
import {
  onTrustNews,
  trustNewsOf,
  type TrustHolder,
  type TrustNews,
} from '@enjambre/common/trust/trust-news';

/** Streams what members must know of the CAs, to programs that have no session. */
export class TrustWatchers {
  readonly #waiting = new Set<() => void>();
  #stopped = false;

  /** @param trust undefined without TLS */
  constructor(private readonly trust: TrustHolder | undefined) {
    if (trust)
      onTrustNews(trust, () => {
        this.#wake();
      });
  }

  /** The news now, and again with each change, until `signal` aborts. Throws `unavailable` STOPPING, `precondition` NO_TLS. */
  async *watch(signal: AbortSignal): AsyncGenerator<TrustNews, void, undefined> {
    if (!this.trust)
      throw new EnjambreError('precondition', 'NO_TLS', 'this tracker has no TLS, and so no CAs');
    let told: string | undefined;
    while (!signal.aborted) {
      if (this.#stopped)
        throw new EnjambreError('unavailable', 'STOPPING', 'the tracker is stopping: connect again');
      const news = trustNewsOf(this.trust);
      const text = JSON.stringify(news);
      if (!news || text === told) {
        await this.#change(signal);
        continue;
      }
      told = text;
      yield news;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
