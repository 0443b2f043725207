import { CancelledStreams } from './cancelled-streams.js';
import type { FrameBudget } from './frame-budget.js';
import { ErrorCode, Flag, Http2Violation, type FrameHead } from './frames.js';
import { HeaderBlocks, type HeaderBlock } from './header-blocks.js';
import { decodeHeaders } from './hpack.js';
import type { Http2Listener } from './http2-stream.js';

/** Receive windows of a stream and of the connection: bytes flow from server to client (docs/protocol.md). */
export const STREAM_WINDOW = 8 << 20;
export const CONNECTION_WINDOW = 32 << 20;
const MAX_STREAM_ID = 2 ** 31 - 1;

export interface IncomingComponents {
  readonly budget: FrameBudget;
  /** Extends the server's window; stream 0 is the connection's. */
  readonly grant: (stream: number, bytes: number) => void;
  /** The server has ended an open stream. */
  readonly ended: (stream: number) => void;
}

interface OpenStream {
  readonly listener: Http2Listener;
  /** Bytes received and not yet added to the server's window. */
  taken: number;
  /** The server has sent headers: data may follow, then trailers. */
  isAnswered: boolean;
}

/**
 * The streams of a connection, and the frames that the server sends on them: each must belong to an open stream, or to
 * one whose cancellation may have crossed it. Other frames throw {@link Http2Violation}.
 */
export class IncomingStreams {
  readonly #streams = new Map<number, OpenStream>();
  readonly #cancelled = new CancelledStreams();
  readonly #blocks = new HeaderBlocks();
  #nextId = 1;
  /** Bytes received on all streams and not yet added to the server's window. */
  #taken = 0;
  /** The stream of the current DATA frame; undefined once it is closed. */
  #receiving: OpenStream | undefined;

  constructor(private readonly parts: IncomingComponents) {}

  get size(): number {
    return this.#streams.size;
  }

  /** Open streams. */
  get ids(): number[] {
    return [...this.#streams.keys()];
  }

  /** False once all numbers are used. */
  get hasNumbers(): boolean {
    return this.#nextId <= MAX_STREAM_ID;
  }

  /** Opens a stream, and returns its number. */
  open(listener: Http2Listener): number {
    const id = this.#nextId;
    this.#nextId += 2;
    this.#streams.set(id, { listener, taken: 0, isAnswered: false });
    return id;
  }

  /** Removes a stream, and returns its listener; undefined if it is not open. */
  close(id: number): Http2Listener | undefined {
    const open = this.#streams.get(id);
    if (this.#receiving === open) this.#receiving = undefined;
    this.#streams.delete(id);
    return open?.listener;
  }

  /** Removes a stream that the server does not know to be closed. False if it is not open. */
  cancel(id: number): boolean {
    const open = this.#streams.get(id);
    if (open) this.#cancelled.add(id, STREAM_WINDOW - open.taken);
    return this.close(id) !== undefined;
  }

  /** No frame of another type may interrupt a header block. */
  needNoBlock(): void {
    this.#blocks.needNone();
  }

  needOpened(stream: number): void {
    if (stream % 2 === 0 || stream >= this.#nextId)
      throw new Http2Violation(ErrorCode.protocolError, 'a frame of a stream that was never opened');
  }

  dataBegins({ stream, length }: FrameHead): void {
    this.#blocks.needNone();
    if (stream === 0) throw new Http2Violation(ErrorCode.protocolError, 'data without a stream');
    const open = this.#streams.get(stream);
    this.#receiving = open;
    if (open?.isAnswered) return;
    if (open) throw new Http2Violation(ErrorCode.protocolError, 'data before headers');
    this.#needCancelled(stream);
    this.#cancelled.take(stream, length);
  }

  /** A part of the data of the current frame. */
  data(part: Buffer): void {
    this.#receiving?.listener.data(part);
  }

  /**
   * All bytes are processed by now, so the windows of an open stream are never exceeded.
   *
   * @param bytes data without padding
   */
  dataEnded({ stream, length, flags }: FrameHead, bytes: number): void {
    this.#taken += length;
    if (this.#taken >= CONNECTION_WINDOW / 2) {
      this.parts.grant(0, this.#taken);
      this.#taken = 0;
    }
    if (flags & Flag.endStream) return this.#ended(stream);
    this.parts.budget.data(bytes);
    const open = this.#receiving;
    if (!open) return; // It was cancelled.
    open.taken += length;
    if (open.taken < STREAM_WINDOW / 2) return;
    this.parts.grant(stream, open.taken);
    open.taken = 0;
  }

  headers(head: FrameHead, payload: Buffer): void {
    if (!this.#streams.has(head.stream)) {
      this.#needCancelled(head.stream);
      this.parts.budget.idle();
    }
    this.#onBlock(this.#blocks.begin(head, payload));
  }

  continuation(head: FrameHead, payload: Buffer): void {
    this.parts.budget.idle();
    this.#onBlock(this.#blocks.continue(head, payload));
  }

  /** The server resets a stream, which is still open afterwards if it was before. */
  reset(stream: number): void {
    this.needOpened(stream);
    if (!this.#streams.has(stream)) this.parts.budget.idle();
    this.#cancelled.ended(stream);
  }

  /** A block is complete: headers, perhaps of an interim response, or trailers. */
  #onBlock(block: HeaderBlock | undefined): void {
    if (!block) return;
    const { stream, bytes, isLast } = block;
    const open = this.#streams.get(stream);
    if (open) {
      if (open.isAnswered && !isLast)
        throw new Http2Violation(ErrorCode.protocolError, 'trailers that do not end the stream');
      const fields = decodeHeaders(bytes);
      const isInterim = fields.get(':status')?.startsWith('1') ?? false;
      if (isInterim) this.parts.budget.idle();
      open.isAnswered ||= !isInterim;
      open.listener.headers(fields, isLast);
    }
    if (isLast) this.#ended(stream);
  }

  /** Only of streams that we cancelled may frames still be in flight. */
  #needCancelled(stream: number): void {
    if (this.#cancelled.has(stream)) return;
    this.needOpened(stream);
    throw new Http2Violation(ErrorCode.streamClosed, 'a frame of a stream that has ended');
  }

  #ended(stream: number): void {
    this.#cancelled.ended(stream);
    if (this.#streams.has(stream)) this.parts.ended(stream);
  }
}
