import {
  ErrorCode,
  Flag,
  FRAME_HEAD_BYTES,
  FrameType,
  Http2Violation,
  MAX_PAYLOAD_BYTES,
  type FrameHead,
} from './frames.js';

export interface FrameHandler {
  /** The beginning of a DATA frame; its whole length counts against the windows. */
  dataBegins(head: FrameHead): void;
  /** A part of the bytes of a DATA frame: a view of the pushed bytes, valid only during the call. */
  data(part: Buffer): void;
  /** The end of a DATA frame, with the number of its bytes without padding. */
  dataEnded(head: FrameHead, bytes: number): void;
  /** Any other frame. The payload is valid only during the call. */
  frame(head: FrameHead, payload: Buffer): void;
}

/**
 * Splits the bytes of a connection, in chunks of any size, into frames. Bytes of DATA frames are not copied.
 */
export class FrameReader {
  readonly #headBytes = Buffer.alloc(FRAME_HEAD_BYTES);
  #headFilled = 0;
  #head: FrameHead = { length: 0, type: 0, flags: 0, stream: 0 };
  /** Bytes of the payload that have not arrived yet. */
  #left = 0;
  /** Bytes of padding at the end of a DATA frame; -1 before their number is known. */
  #padding = 0;
  readonly #payload = Buffer.alloc(MAX_PAYLOAD_BYTES);
  #payloadFilled = 0;

  constructor(private readonly handler: FrameHandler) {}

  /** Throws {@link Http2Violation} and the handler's errors; unusable after an error. */
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) at = this.#take(bytes, at);
  }

  #take(bytes: Buffer, at: number): number {
    if (this.#headFilled < FRAME_HEAD_BYTES) return this.#takeHead(bytes, at);
    const end = Math.min(bytes.length, at + this.#left);
    if (this.#head.type === FrameType.data) this.#takeData(bytes, at, end);
    else this.#payloadFilled += bytes.copy(this.#payload, this.#payloadFilled, at, end);
    this.#left -= end - at;
    if (this.#left === 0) this.#finish();
    return end;
  }

  #takeHead(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + FRAME_HEAD_BYTES - this.#headFilled);
    this.#headFilled += bytes.copy(this.#headBytes, this.#headFilled, at, end);
    if (this.#headFilled < FRAME_HEAD_BYTES) return end;
    const head = readHead(this.#headBytes);
    if (head.length > MAX_PAYLOAD_BYTES)
      throw new Http2Violation(ErrorCode.frameSizeError, `a frame of ${head.length} bytes`);
    this.#head = head;
    this.#left = head.length;
    this.#payloadFilled = 0;
    this.#padding = head.type === FrameType.data && (head.flags & Flag.padded) !== 0 ? -1 : 0;
    if (head.type === FrameType.data) this.handler.dataBegins(head);
    if (head.length === 0) this.#finish();
    return end;
  }

  #takeData(bytes: Buffer, from: number, end: number): void {
    let at = from;
    if (this.#padding < 0) {
      this.#padding = bytes[at] ?? 0;
      at += 1;
      if (this.#padding >= this.#head.length)
        throw new Http2Violation(ErrorCode.protocolError, 'more padding than the frame has room for');
    }
    const leftAfter = this.#left - (end - from);
    const dataEnd = end - Math.max(0, this.#padding - leftAfter);
    if (dataEnd > at) this.handler.data(bytes.subarray(at, dataEnd));
  }

  #finish(): void {
    const head = this.#head;
    this.#headFilled = 0;
    if (head.type !== FrameType.data)
      return this.handler.frame(head, this.#payload.subarray(0, this.#payloadFilled));
    if (this.#padding < 0)
      throw new Http2Violation(ErrorCode.frameSizeError, 'a padded frame without length');
    const padding = head.flags & Flag.padded ? 1 + this.#padding : 0;
    this.handler.dataEnded(head, head.length - padding);
  }
}

function readHead(bytes: Buffer): FrameHead {
  return {
    length: bytes.readUIntBE(0, 3),
    type: bytes[3] ?? 0,
    flags: bytes[4] ?? 0,
    stream: bytes.readUInt32BE(5) & 0x7fff_ffff,
  };
}
