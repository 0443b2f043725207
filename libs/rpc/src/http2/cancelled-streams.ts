import { ErrorCode, Http2Violation } from './frames.js';

/** Streams remembered: frames are in flight only for those cancelled within the last round trip. */
const MAX_REMEMBERED = 1024;

/**
 * Streams that we cancelled and the server may not have ended yet: frames that it sent before it knew still arrive, at
 * most as many bytes as the stream's window allows.
 */
export class CancelledStreams {
  /** Bytes that may still arrive, by stream. */
  readonly #left = new Map<number, number>();

  /** @param windowLeft bytes that the server may still send on the stream */
  add(stream: number, windowLeft: number): void {
    this.#left.set(stream, windowLeft);
    const [oldest] = this.#left.keys();
    if (this.#left.size > MAX_REMEMBERED && oldest !== undefined) this.#left.delete(oldest);
  }

  has(stream: number): boolean {
    return this.#left.has(stream);
  }

  /** Data of a cancelled stream arrives. Throws {@link Http2Violation} if it is more than was in flight. */
  take(stream: number, bytes: number): void {
    const left = (this.#left.get(stream) ?? 0) - bytes;
    if (left < 0)
      throw new Http2Violation(
        ErrorCode.flowControlError,
        'more data of a cancelled stream than was in flight',
      );
    this.#left.set(stream, left);
  }

  /** The server has ended the stream: no other frame of it may follow. */
  ended(stream: number): void {
    this.#left.delete(stream);
  }
}
