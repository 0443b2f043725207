import { ErrorCode, Flag, Http2Violation, MAX_PAYLOAD_BYTES, type FrameHead } from './frames.js';

/** Limit of all frames of one header block. */
const MAX_HEADER_BYTES = 4 * MAX_PAYLOAD_BYTES;
/** Limit of the frames of one header block. */
const MAX_HEADER_FRAMES = 64;

/** A complete header block. */
export interface HeaderBlock {
  readonly stream: number;
  readonly bytes: Buffer;
  /** Nothing follows on the stream. */
  readonly isLast: boolean;
}

/** Gathers header blocks from HEADERS and CONTINUATION frames. */
export class HeaderBlocks {
  #head: FrameHead | undefined;
  #parts: Buffer[] = [];
  #bytes = 0;

  /** A frame of another type: none may interrupt a header block. Throws {@link Http2Violation}. */
  needNone(): void {
    if (this.#head) throw new Http2Violation(ErrorCode.protocolError, 'a frame within a header block');
  }

  /** A HEADERS frame. Returns the block if it is complete. Throws {@link Http2Violation}. */
  begin(head: FrameHead, payload: Buffer): HeaderBlock | undefined {
    const padding = head.flags & Flag.padded ? 1 + (payload[0] ?? 0) : 0;
    const start = (padding > 0 ? 1 : 0) + (head.flags & Flag.priority ? 5 : 0);
    const end = payload.length - Math.max(0, padding - 1);
    if (start > end) throw new Http2Violation(ErrorCode.protocolError, 'headers that are all padding');
    this.#parts = [];
    this.#bytes = 0;
    this.#head = head;
    return this.#gather(head, payload.subarray(start, end), head.flags);
  }

  /** A CONTINUATION frame. Returns the block if it is complete. Throws {@link Http2Violation}. */
  continue({ stream, flags }: FrameHead, payload: Buffer): HeaderBlock | undefined {
    const head = this.#head;
    if (head?.stream !== stream)
      throw new Http2Violation(ErrorCode.protocolError, 'a continuation without headers');
    return this.#gather(head, payload, flags);
  }

  #gather(head: FrameHead, part: Buffer, flags: number): HeaderBlock | undefined {
    this.#bytes += part.length;
    this.#parts.push(Buffer.from(part));
    if (this.#bytes > MAX_HEADER_BYTES || this.#parts.length > MAX_HEADER_FRAMES)
      throw new Http2Violation(ErrorCode.enhanceYourCalm, 'headers that are too long');
    if (!(flags & Flag.endHeaders)) return undefined;
    const bytes = Buffer.concat(this.#parts);
    this.#head = undefined;
    this.#parts = [];
    return { stream: head.stream, bytes, isLast: (head.flags & Flag.endStream) !== 0 };
  }
}
