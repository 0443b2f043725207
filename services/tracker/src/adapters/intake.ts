/** A stream of messages that can be read later. */
interface Pausable {
  pause(): unknown;
  resume(): unknown;
}

/** Reads a stream only while there is no reason to wait: there may be several at once. */
export class Intake {
  readonly #reasons = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly stream: Pausable) {}

  /** Reads no more until {@link release} is called with the same reason. */
  hold(reason: string): void {
    if (this.#reasons.size === 0) this.stream.pause();
    this.#reasons.add(reason);
  }

  release(reason: string): void {
    if (this.#reasons.delete(reason) && this.#reasons.size === 0) this.stream.resume();
  }

  /** Reads no more for some milliseconds. */
  rest(ms: number): void {
    this.hold('pace');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.release('pace'), ms);
  }

  /** The stream has ended. */
  close(): void {
    clearTimeout(this.#timer);
  }
}
