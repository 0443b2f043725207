import type { Socket } from 'node:net';
import { parseTcpAddress } from '@enjambre/common/config/address';
import type { Credentials, Expected } from '../credentials.js';
import { withoutZone } from '../scoped-target.js';
import { FrameBudget } from './frame-budget.js';
import { FrameReader } from './frame-reader.js';
import {
  DEFAULT_WINDOW,
  ErrorCode,
  Flag,
  frame,
  FrameType,
  goawayFrame,
  Http2Violation,
  PREFACE,
  rstStreamFrame,
  Setting,
  settingsFrame,
  windowUpdateFrame,
  type FrameHead,
} from './frames.js';
import { readGoaway } from './goaway.js';
import { encodeHeaders } from './hpack.js';
import type { Http2Listener, Http2Stream, StreamEnd } from './http2-stream.js';
import { CONNECTION_WINDOW, IncomingStreams, STREAM_WINDOW } from './incoming-streams.js';
import { inPlainWords } from '../tls-problem.js';
import { LifeCheck } from './life-check.js';
import { OutgoingData } from './outgoing.js';

/**
 * Read buffer shared by all connections: the bytes of a read are processed before the next read. It stays in
 * the processor's cache.
 */
const READ_MEMORY = Buffer.allocUnsafeSlow(128 << 10);
/** Limit of the settings in one frame: HTTP/2 defines six. */
const MAX_SETTINGS = 64;
/** Limit of unsent answers (PING, SETTINGS): a server that does not read them is disconnected. */
const MAX_UNSENT_BYTES = 1 << 20;
/** Time limit for the last frames of a connection. */
const LAST_WORDS_MS = 1000;

/**
 * The client side of an HTTP/2 connection, built to receive at full speed: every read goes into the same
 * memory and is passed on as views of it. Node's own client allocates memory for each read, and copies it
 * (docs/adr/0009-data-plane.md).
 */
export class Http2Connection {
  readonly #socket: Socket;
  readonly #outgoing = new OutgoingData((bytes) => {
    this.#budget.sent();
    this.#send(bytes);
  });
  readonly #budget = new FrameBudget();
  readonly #streams = new IncomingStreams({
    budget: this.#budget,
    grant: (stream, bytes) => {
      this.#send(windowUpdateFrame(stream, bytes));
    },
    ended: (stream) => {
      this.#endedByServer(stream);
    },
  });
  readonly #reader = new FrameReader({
    dataBegins: (head) => {
      this.#streams.dataBegins(head);
    },
    data: (part) => {
      this.#streams.data(part);
    },
    dataEnded: (head, bytes) => {
      this.#streams.dataEnded(head, bytes);
    },
    frame: (head, payload) => {
      this.#onFrame(head, payload);
    },
  });
  /** Concurrent streams that the server allows, from its first frame. */
  #maxStreams = Infinity;
  readonly #life = new LifeCheck({
    isUsed: () => this.#streams.size > 0,
    ask: () => {
      this.#send(frame({ type: FrameType.ping, flags: 0, stream: 0 }, Buffer.alloc(8)));
    },
    dead: (reason) => this.#socket.destroy(new Error(reason)),
  });
  /** Frames of this turn, sent together. */
  #unsent: Buffer[] = [];
  /** The server is known: a TLS socket would send what is written before it was checked. */
  #isReady = false;
  /** No new streams: the server is going away, or we are. */
  #isLeaving = false;
  /** Why the server is going away. */
  #farewell: string | undefined;
  #isOver = false;

  /** HOST:PORT, for the headers of requests. */
  readonly authority: string;
  /** For the headers of requests. */
  readonly scheme: Credentials['scheme'];

  /** @param endpoint HOST:PORT */
  constructor(
    endpoint: string,
    expected: Expected,
    { connect, readyEvent, scheme }: Pick<Credentials, 'connect' | 'readyEvent' | 'scheme'>,
  ) {
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
    const to = { host: host === '' ? 'localhost' : host, port, noDelay: true, onread };
    this.#socket = connect(to, expected);
    this.#socket.once(readyEvent, () => {
      this.#isReady = true;
      this.#flush();
    });
    let reason = 'the connection ended';
    this.#socket.on('error', (error) => {
      reason = inPlainWords(error.message);
      // Node leaves a TLS socket open whose peer sent a record that cannot be decrypted.
      this.#socket.destroy();
    });
    this.#socket.on('close', () => {
      this.#life.stop();
      this.#over({ reason: this.#farewell ?? reason, isViolation: false });
    });
    this.#greet();
  }

  /** False once it accepts no new streams. */
  get isOpen(): boolean {
    return !this.#isLeaving && !this.#isOver && this.#streams.hasNumbers;
  }

  /**
   * Opens a stream. If the connection is not open, or has as many streams as the server allows, the stream is
   * closed in the next turn: the caller tries again later.
   */
  request(fields: Iterable<readonly [name: string, value: string]>, listener: Http2Listener): Http2Stream {
    const refusal = this.#refusal;
    if (refusal !== undefined) return refusedStream(listener, refusal);
    const id = this.#streams.open(listener);
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
        if (!this.#streams.cancel(id)) return;
        this.#outgoing.close(id);
        this.#send(rstStreamFrame(id, ErrorCode.cancel));
        this.#leaveIfUnused();
      },
    };
  }

  /** Why no stream can be opened now. */
  get #refusal(): string | undefined {
    if (this.#isOver || this.#isLeaving) return this.#farewell ?? 'the connection ended';
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
      this.#end(error.code, { reason: `the peer sent ${error.message}`, isViolation: true });
    }
  }

  #onFrame(head: FrameHead, payload: Buffer): void {
    if (head.type !== FrameType.continuation) this.#streams.needNoBlock();
    switch (head.type) {
      case FrameType.headers:
        return this.#streams.headers(head, payload);
      case FrameType.continuation:
        return this.#streams.continuation(head, payload);
      case FrameType.rstStream:
        return this.#onReset(head.stream, uint32(payload, 0));
      case FrameType.goaway:
        this.#budget.idle();
        return this.#onGoaway(payload);
      case FrameType.pushPromise:
        throw new Http2Violation(ErrorCode.protocolError, 'a push, although we disabled it');
    }
    this.#budget.idle();
    switch (head.type) {
      case FrameType.settings:
        return this.#onSettings(head, payload);
      case FrameType.ping:
        return this.#onPing(head, payload);
      case FrameType.windowUpdate:
        return this.#onWindowUpdate(head.stream, uint32(payload, 0) & 0x7fff_ffff);
    }
    // Other types, such as PRIORITY or those of later versions, are ignored.
  }

  #onReset(stream: number, code: number): void {
    this.#streams.reset(stream);
    this.#close(stream, { reason: `the peer reset the stream (${code})`, isViolation: false });
  }

  #onWindowUpdate(stream: number, bytes: number): void {
    if (stream > 0) this.#streams.needOpened(stream);
    this.#outgoing.widen(stream, bytes);
  }

  #onSettings(head: FrameHead, payload: Buffer): void {
    if (head.flags & Flag.ack) return;
    if (payload.length % 6 !== 0) throw new Http2Violation(ErrorCode.frameSizeError, 'truncated settings');
    if (payload.length > 6 * MAX_SETTINGS)
      throw new Http2Violation(ErrorCode.enhanceYourCalm, 'too many settings');
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
    const { lastStream, reason } = readGoaway(payload);
    this.#isLeaving = true;
    this.#farewell = reason;
    for (const id of this.#streams.ids) if (id > lastStream) this.#close(id, { reason, isViolation: false });
    this.#leaveIfUnused();
  }

  /** Our half is still open, but no longer of use. */
  #endedByServer(id: number): void {
    this.#send(rstStreamFrame(id, ErrorCode.cancel));
    this.#close(id, undefined);
  }

  #close(id: number, end: StreamEnd | undefined): void {
    const listener = this.#streams.close(id);
    if (!listener) return;
    this.#outgoing.close(id);
    listener.closed(end);
    this.#leaveIfUnused();
  }

  #leaveIfUnused(): void {
    if (this.#isLeaving && this.#streams.size === 0)
      this.#end(ErrorCode.noError, { reason: 'the connection ended', isViolation: false });
  }

  #send(bytes: Buffer): void {
    if (this.#isOver) return;
    if (this.#unsent.push(bytes) === 1)
      process.nextTick(() => {
        this.#flush();
      });
  }

  #flush(): void {
    if (!this.#isReady) return;
    const frames = this.#unsent;
    this.#unsent = [];
    if (frames.length === 0) return;
    this.#socket.write(Buffer.concat(frames));
    if (this.#socket.writableLength > MAX_UNSENT_BYTES) this.#endUnread();
  }

  #endUnread(): void {
    const reason = 'the peer does not read from the connection';
    this.#end(ErrorCode.enhanceYourCalm, { reason, isViolation: false });
  }

  /** Sends the reason and ends the connection. */
  #end(code: number, end: StreamEnd): void {
    if (this.#isOver) return;
    const last = Buffer.concat([...this.#unsent, goawayFrame(code, end.reason)]);
    this.#over(end);
    if (!this.#isReady) return void this.#socket.destroy();
    this.#socket.end(last);
    const timer = setTimeout(() => this.#socket.destroy(), LAST_WORDS_MS);
    this.#socket.once('finish', () => this.#socket.destroy());
    this.#socket.once('close', () => {
      clearTimeout(timer);
    });
  }

  #over(end: StreamEnd): void {
    this.#isOver = true;
    this.#unsent = [];
    for (const id of this.#streams.ids) this.#close(id, end);
  }
}

/** A stream that was not opened: its listener receives the reason in the next turn. */
function refusedStream({ closed }: Http2Listener, reason: string): Http2Stream {
  const nextTurn = setImmediate(() => {
    closed({ reason, isViolation: false });
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
