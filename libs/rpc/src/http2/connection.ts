import type { Socket } from 'node:net';
import { parseTcpAddress } from '@enjambre/common/config/address';
import type { Credentials } from '../credentials.js';
import { withoutZone } from '../scoped-target.js';
import { FrameReader } from './frame-reader.js';
import {
  DEFAULT_WINDOW,
  ErrorCode,
  Flag,
  frame,
  FrameType,
  goawayFrame,
  Http2Violation,
  MAX_PAYLOAD_BYTES,
  PREFACE,
  rstStreamFrame,
  Setting,
  settingsFrame,
  windowUpdateFrame,
  type FrameHead,
} from './frames.js';
import { decodeHeaders, encodeHeaders } from './hpack.js';
import { LifeCheck } from './life-check.js';
import { OutgoingData } from './outgoing.js';

/** Receive windows of a stream and of the connection: bytes flow from server to client (docs/protocol.md). */
const STREAM_WINDOW = 8 << 20;
const CONNECTION_WINDOW = 32 << 20;
/**
 * Read buffer shared by all connections: the bytes of a read are processed before the next read. It stays in
 * the processor's cache.
 */
const READ_MEMORY = Buffer.allocUnsafeSlow(128 << 10);
/** Limit of all frames of one header block. */
const MAX_HEADER_BYTES = 4 * MAX_PAYLOAD_BYTES;
/** Limit of unsent answers (PING, SETTINGS): a server that does not read them is disconnected. */
const MAX_UNSENT_BYTES = 1 << 20;
/** Time limit for the last frames of a connection. */
const LAST_WORDS_MS = 1000;
const MAX_STREAM_ID = 2 ** 31 - 1;

/** Receives the events of a stream. `closed` is the last. */
export interface Http2Listener {
  /** @param isLast true for trailers, or for headers without a body: nothing follows */
  readonly headers: (fields: ReadonlyMap<string, string>, isLast: boolean) => void;
  /** A part of the body, valid only during the call. */
  readonly data: (part: Buffer) => void;
  /** @param reason why it ended early; undefined if the server ended it */
  readonly closed: (reason: string | undefined) => void;
}

export interface Http2Stream {
  write(bytes: Buffer): void;
  /** Ends our side; the server may continue. */
  end(): void;
  /** Ends the stream at once. The listener is not called again. */
  cancel(): void;
}

interface OpenStream {
  readonly listener: Http2Listener;
  /** Bytes received and not yet added to the server's window. */
  taken: number;
}

/** An incomplete header block. */
interface HeaderBlock {
  readonly head: FrameHead;
  readonly parts: Buffer[];
  bytes: number;
}

/**
 * The client side of an HTTP/2 connection, built to receive at full speed: every read goes into the same
 * memory and is passed on as views of it. Node's own client allocates memory for each read, and copies it
 * (docs/adr/0009-data-plane.md).
 */
export class Http2Connection {
  readonly #socket: Socket;
  readonly #streams = new Map<number, OpenStream>();
  readonly #outgoing = new OutgoingData((bytes) => {
    this.#send(bytes);
  });
  readonly #reader = new FrameReader({
    data: (stream, part) => {
      if (!this.#block) this.#streams.get(stream)?.listener.data(part);
    },
    dataEnded: (head) => {
      this.#onDataEnded(head);
    },
    frame: (head, payload) => {
      this.#onFrame(head, payload);
    },
  });
  #nextId = 1;
  /** Concurrent streams that the server allows, from its first frame. */
  #maxStreams = Infinity;
  #taken = 0;
  readonly #life = new LifeCheck({
    isUsed: () => this.#streams.size > 0,
    ask: () => {
      this.#send(frame({ type: FrameType.ping, flags: 0, stream: 0 }, Buffer.alloc(8)));
    },
    dead: (reason) => this.#socket.destroy(new Error(reason)),
  });
  #block: HeaderBlock | undefined;
  /** Frames of this turn, sent together. */
  #unsent: Buffer[] = [];
  /** No new streams: the server is going away, or we are. */
  #isLeaving = false;
  #isOver = false;

  /** HOST:PORT, for the headers of requests. */
  readonly authority: string;
  /** For the headers of requests. */
  readonly scheme: Credentials['scheme'];

  /** @param endpoint HOST:PORT */
  constructor(endpoint: string, { connect, scheme }: Pick<Credentials, 'connect' | 'scheme'>) {
    this.authority = withoutZone(endpoint);
    this.scheme = scheme;
    const { host, port } = parseTcpAddress(endpoint);
    const onread = {
      buffer: READ_MEMORY,
      callback: (length: number) => {
        this.#read(READ_MEMORY.subarray(0, length));
        return !this.#isOver;
      },
    };
    this.#socket = connect({ host: host === '' ? 'localhost' : host, port, noDelay: true, onread });
    let reason = 'the connection ended';
    this.#socket.on('error', (error) => {
      reason = error.message;
    });
    this.#socket.on('close', () => {
      this.#life.stop();
      this.#over(reason);
    });
    this.#greet();
  }

  /** False once it accepts no new streams. */
  get isOpen(): boolean {
    return !this.#isLeaving && !this.#isOver && this.#nextId <= MAX_STREAM_ID;
  }

  /**
   * Opens a stream. If the connection is not open, or has as many streams as the server allows, the stream is
   * closed in the next turn: the caller tries again later.
   */
  request(fields: Iterable<readonly [name: string, value: string]>, listener: Http2Listener): Http2Stream {
    const refusal = this.#refusal;
    if (refusal !== undefined) return refusedStream(listener, refusal);
    const id = this.#nextId;
    this.#nextId += 2;
    this.#streams.set(id, { listener, taken: 0 });
    this.#outgoing.open(id);
    const head = { type: FrameType.headers, flags: Flag.endHeaders, stream: id };
    this.#send(frame(head, encodeHeaders(fields)));
    return {
      write: (bytes) => {
        this.#outgoing.write(id, bytes);
        if (this.#outgoing.waitingBytes > MAX_UNSENT_BYTES) this.#endUnread();
      },
      end: () => {
        this.#outgoing.end(id);
      },
      cancel: () => {
        if (!this.#streams.has(id)) return;
        this.#forget(id);
        this.#send(rstStreamFrame(id, ErrorCode.cancel));
        this.#leaveIfUnused();
      },
    };
  }

  /** Why no stream can be opened now. */
  get #refusal(): string | undefined {
    if (this.#isOver || this.#isLeaving) return 'the connection ended';
    if (this.#streams.size < this.#maxStreams) return undefined;
    return `the peer accepts no more than ${this.#maxStreams} streams at a time`;
  }

  /** Accepts no new streams, and ends when the open ones have ended. */
  close(): void {
    this.#isLeaving = true;
    this.#leaveIfUnused();
  }

  #greet(): void {
    this.#send(PREFACE);
    const settings = [
      [Setting.headerTableSize, 0],
      [Setting.enablePush, 0],
      [Setting.initialWindowSize, STREAM_WINDOW],
    ] as const;
    this.#send(settingsFrame(settings));
    this.#send(windowUpdateFrame(0, CONNECTION_WINDOW - DEFAULT_WINDOW));
  }

  #read(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#life.heard();
    try {
      this.#reader.push(bytes);
    } catch (error) {
      if (!(error instanceof Http2Violation)) throw error;
      this.#end(error.code, `the peer sent ${error.message}`);
    }
  }

  #onDataEnded({ stream, length, flags }: FrameHead): void {
    this.#needNoBlock();
    if (stream === 0) throw new Http2Violation(ErrorCode.protocolError, 'data without a stream');
    this.#taken += length;
    if (this.#taken >= CONNECTION_WINDOW / 2) {
      this.#send(windowUpdateFrame(0, this.#taken));
      this.#taken = 0;
    }
    const open = this.#streams.get(stream);
    if (!open) return; // It was cancelled.
    open.taken += length;
    if (flags & Flag.endStream) return this.#endedByServer(stream);
    if (open.taken < STREAM_WINDOW / 2) return;
    this.#send(windowUpdateFrame(stream, open.taken));
    open.taken = 0;
  }

  #onFrame(head: FrameHead, payload: Buffer): void {
    if (head.type !== FrameType.continuation) this.#needNoBlock();
    switch (head.type) {
      case FrameType.headers:
        return this.#onHeaders(head, payload);
      case FrameType.continuation:
        return this.#onContinuation(head, payload);
      case FrameType.rstStream:
        return this.#close(head.stream, `the peer reset the stream (${uint32(payload, 0)})`);
      case FrameType.settings:
        return this.#onSettings(head, payload);
      case FrameType.ping:
        return this.#onPing(head, payload);
      case FrameType.goaway:
        return this.#onGoaway(payload);
      case FrameType.windowUpdate:
        return this.#outgoing.widen(head.stream, uint32(payload, 0) & 0x7fff_ffff);
      case FrameType.pushPromise:
        throw new Http2Violation(ErrorCode.protocolError, 'a push, although we disabled it');
    }
    // Other types, such as PRIORITY or those of later versions, are ignored.
  }

  #onHeaders(head: FrameHead, payload: Buffer): void {
    const padding = head.flags & Flag.padded ? 1 + (payload[0] ?? 0) : 0;
    const start = (padding > 0 ? 1 : 0) + (head.flags & Flag.priority ? 5 : 0);
    const end = payload.length - Math.max(0, padding - 1);
    if (start > end) throw new Http2Violation(ErrorCode.protocolError, 'headers that are all padding');
    this.#block = { head, parts: [], bytes: 0 };
    this.#gather(this.#block, payload.subarray(start, end), head.flags);
  }

  /** No other frame may interrupt a header block. */
  #needNoBlock(): void {
    if (this.#block) throw new Http2Violation(ErrorCode.protocolError, 'a frame within a header block');
  }

  #onContinuation({ stream, flags }: FrameHead, payload: Buffer): void {
    if (this.#block?.head.stream !== stream)
      throw new Http2Violation(ErrorCode.protocolError, 'a continuation without headers');
    this.#gather(this.#block, payload, flags);
  }

  #gather(block: HeaderBlock, part: Buffer, flags: number): void {
    block.bytes += part.length;
    block.parts.push(Buffer.from(part));
    if (block.bytes > MAX_HEADER_BYTES || block.parts.length > MAX_HEADER_BYTES / 1024)
      throw new Http2Violation(ErrorCode.enhanceYourCalm, 'headers that are too long');
    if (!(flags & Flag.endHeaders)) return;
    this.#block = undefined;
    const { stream } = block.head;
    const isLast = (block.head.flags & Flag.endStream) !== 0;
    const fields = decodeHeaders(Buffer.concat(block.parts));
    this.#streams.get(stream)?.listener.headers(fields, isLast);
    if (isLast) this.#endedByServer(stream);
  }

  #onSettings(head: FrameHead, payload: Buffer): void {
    if (head.flags & Flag.ack) return;
    if (payload.length % 6 !== 0) throw new Http2Violation(ErrorCode.frameSizeError, 'truncated settings');
    for (let at = 0; at < payload.length; at += 6) {
      const [setting, value] = [payload.readUInt16BE(at), uint32(payload, at + 2)];
      if (setting === Setting.initialWindowSize) this.#outgoing.setInitialWindow(value);
      if (setting === Setting.maxConcurrentStreams) this.#maxStreams = value;
    }
    this.#send(frame({ type: FrameType.settings, flags: Flag.ack, stream: 0 }));
  }

  #onPing(head: FrameHead, payload: Buffer): void {
    if (payload.length !== 8) throw new Http2Violation(ErrorCode.frameSizeError, 'a ping of the wrong size');
    if (!(head.flags & Flag.ack))
      this.#send(frame({ type: FrameType.ping, flags: Flag.ack, stream: 0 }, payload));
  }

  /** Streams above the server's last stream will not be answered. */
  #onGoaway(payload: Buffer): void {
    const last = uint32(payload, 0) & 0x7fff_ffff;
    this.#isLeaving = true;
    for (const id of [...this.#streams.keys()])
      if (id > last) this.#close(id, 'the peer accepts no more streams');
    this.#leaveIfUnused();
  }

  /** Our half is still open, but no longer of use. */
  #endedByServer(id: number): void {
    if (!this.#streams.has(id)) return;
    this.#send(rstStreamFrame(id, ErrorCode.cancel));
    this.#close(id, undefined);
  }

  #close(id: number, reason: string | undefined): void {
    const open = this.#streams.get(id);
    if (!open) return;
    this.#forget(id);
    open.listener.closed(reason);
    this.#leaveIfUnused();
  }

  #forget(id: number): void {
    this.#streams.delete(id);
    this.#outgoing.close(id);
  }

  #leaveIfUnused(): void {
    if (this.#isLeaving && this.#streams.size === 0) this.#end(ErrorCode.noError, 'the connection ended');
  }

  #send(bytes: Buffer): void {
    if (this.#isOver) return;
    if (this.#unsent.push(bytes) === 1)
      process.nextTick(() => {
        this.#flush();
      });
  }

  #flush(): void {
    const frames = this.#unsent;
    this.#unsent = [];
    if (frames.length === 0) return;
    this.#socket.write(Buffer.concat(frames));
    if (this.#socket.writableLength > MAX_UNSENT_BYTES) this.#endUnread();
  }

  #endUnread(): void {
    this.#end(ErrorCode.enhanceYourCalm, 'the peer does not read from the connection');
  }

  /** Sends the reason and ends the connection. */
  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    const last = Buffer.concat([...this.#unsent, goawayFrame(code)]);
    this.#over(reason);
    this.#socket.end(last);
    const timer = setTimeout(() => this.#socket.destroy(), LAST_WORDS_MS);
    this.#socket.once('finish', () => this.#socket.destroy());
    this.#socket.once('close', () => {
      clearTimeout(timer);
    });
  }

  #over(reason: string): void {
    this.#isOver = true;
    this.#unsent = [];
    for (const id of [...this.#streams.keys()]) this.#close(id, reason);
  }
}

/** A stream that was not opened: its listener receives the reason in the next turn. */
function refusedStream({ closed }: Http2Listener, reason: string): Http2Stream {
  const nextTurn = setImmediate(() => {
    closed(reason);
  });
  return {
    write: () => undefined,
    end: () => undefined,
    cancel: () => {
      clearImmediate(nextTurn);
    },
  };
}

/** Throws {@link Http2Violation} if the payload is too short. */
function uint32(payload: Buffer, at: number): number {
  if (payload.length < at + 4) throw new Http2Violation(ErrorCode.frameSizeError, 'a truncated frame');
  return payload.readUInt32BE(at);
}
