import {
  DEFAULT_WINDOW,
  ErrorCode,
  Flag,
  frame,
  FrameType,
  Http2Violation,
  MAX_PAYLOAD_BYTES,
} from './frames.js';

/** Maximum size of a window. */
const MAX_WINDOW = 2 ** 31 - 1;

interface Waiting {
  window: number;
  /** Parts that the window had no room for, in order. */
  readonly parts: Buffer[];
  /** The stream ends after the parts. */
  isEnding: boolean;
}

/** Sends data of streams within the server's windows, and the rest when the windows grow. */
export class OutgoingData {
  readonly #streams = new Map<number, Waiting>();
  /** Bytes waiting for room in the server's windows. */
  waitingBytes = 0;
  #window = DEFAULT_WINDOW;
  #initialWindow = DEFAULT_WINDOW;

  constructor(private readonly send: (bytes: Buffer) => void) {}

  open(stream: number): void {
    this.#streams.set(stream, { window: this.#initialWindow, parts: [], isEnding: false });
  }

  close(stream: number): void {
    for (const part of this.#streams.get(stream)?.parts ?? []) this.waitingBytes -= part.length;
    this.#streams.delete(stream);
  }

  /** Does nothing for a stream that is closed. */
  write(stream: number, bytes: Buffer): void {
    const waiting = this.#streams.get(stream);
    if (!waiting || waiting.isEnding || bytes.length === 0) return;
    waiting.parts.push(bytes);
    this.waitingBytes += bytes.length;
    this.#push(stream, waiting);
  }

  /** Ends a stream after its waiting data. */
  end(stream: number): void {
    const waiting = this.#streams.get(stream);
    if (!waiting || waiting.isEnding) return;
    waiting.isEnding = true;
    this.#push(stream, waiting);
  }

  /** Extends a window by `bytes`; stream 0 is the connection's window. Throws {@link Http2Violation}. */
  widen(stream: number, bytes: number): void {
    if (bytes === 0) throw new Http2Violation(ErrorCode.protocolError, 'a window update of zero');
    if (stream === 0) {
      this.#window = grown(this.#window, bytes);
      return this.#pushAll();
    }
    const waiting = this.#streams.get(stream);
    if (!waiting) return;
    waiting.window = grown(waiting.window, bytes);
    this.#push(stream, waiting);
  }

  /**
   * Sets the initial window of streams, and changes that of open streams by the difference. Throws
   * {@link Http2Violation}.
   */
  setInitialWindow(bytes: number): void {
    for (const waiting of this.#streams.values())
      waiting.window = grown(waiting.window, bytes - this.#initialWindow);
    this.#initialWindow = grown(bytes, 0);
    this.#pushAll();
  }

  #pushAll(): void {
    for (const [stream, waiting] of this.#streams) this.#push(stream, waiting);
  }

  #push(stream: number, waiting: Waiting): void {
    for (let part = waiting.parts[0]; part; part = waiting.parts[0]) {
      const length = Math.min(part.length, this.#window, waiting.window, MAX_PAYLOAD_BYTES);
      if (length <= 0) return;
      this.#window -= length;
      waiting.window -= length;
      this.waitingBytes -= length;
      this.send(frame({ type: FrameType.data, flags: 0, stream }, part.subarray(0, length)));
      if (length < part.length) waiting.parts[0] = part.subarray(length);
      else waiting.parts.shift();
    }
    if (!waiting.isEnding) return;
    this.#streams.delete(stream);
    this.send(frame({ type: FrameType.data, flags: Flag.endStream, stream }));
  }
}

function grown(window: number, bytes: number): number {
  const sum = window + bytes;
  if (sum > MAX_WINDOW) throw new Http2Violation(ErrorCode.flowControlError, 'a window that is too large');
  return sum;
}
