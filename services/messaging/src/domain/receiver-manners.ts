import { EnjambreError } from '@enjambre/core/error';
import { TokenBucket } from '@enjambre/core/token-bucket';

/** Messages that a receiver may send before its hello: those of a later version, which are ignored. */
const MAX_BEFORE_HELLO = 8;
/** Deliveries that one message may acknowledge: four times the usual window. */
const MAX_ACKS = 1024;
/**
 * Acknowledgements of deliveries that are not in flight, and messages of a later version: an honest receiver sends few,
 * such as those of a session that was just replaced.
 */
const IDLE_WORDS = { perSecond: 100, burst: 2000 };

/** What an honest receiver sends on its stream. Each method throws the error that ends the stream. */
export class ReceiverManners {
  #beforeHello = 0;
  readonly #idleWords: TokenBucket;

  /** @param now milliseconds of any clock, as for all methods */
  constructor(now: number) {
    this.#idleWords = new TokenBucket(IDLE_WORDS, now);
  }

  /** Throws `invalid` BAD_HELLO. */
  beforeHello(): void {
    this.#beforeHello += 1;
    if (this.#beforeHello <= MAX_BEFORE_HELLO) return;
    throw new EnjambreError('invalid', 'BAD_HELLO', 'there are too many messages before the hello');
  }

  /** Throws `invalid` BAD_MESSAGE. */
  acknowledges(count: number): void {
    if (count <= MAX_ACKS) return;
    const message = `a message may acknowledge at most ${MAX_ACKS} deliveries`;
    throw new EnjambreError('invalid', 'BAD_MESSAGE', message);
  }

  /** Call it for what had no effect. Throws `exhausted` TOO_FAST. */
  hadNoEffect(count: number, now: number): void {
    if (count === 0 || this.#idleWords.take(now, count) === 0) return;
    const message = 'too many acknowledgements are of deliveries that are not in flight';
    throw new EnjambreError('exhausted', 'TOO_FAST', message);
  }
}
