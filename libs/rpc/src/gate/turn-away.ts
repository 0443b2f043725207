import type { Socket } from 'node:net';
import type { EnjambreError } from '@enjambre/core/error';
import { FrameReader } from '../http2/frame-reader.js';
import {
  ErrorCode,
  Flag,
  frame,
  FrameType,
  goawayFrame,
  PREFACE,
  settingsFrame,
  type FrameHead,
} from '../http2/frames.js';
import { encodeHeaders } from '../http2/hpack.js';
import { goawayText, refusalHeaders } from './refusal.js';

/** Refused connections that may wait for their first call, to answer it; others are ended at once. */
const MAX_WAITING = 64;
/** The same for one party: a flooder leaves room for the answers to others. */
const MAX_WAITING_OF_PARTY = 8;
/** Time that a refused connection has for its first call, and then for reading the answer. */
const WAIT_MS = 1000;
/** Bytes that a client may send before and after its first call. */
const MAX_BYTES = 16 << 10;

/**
 * Refuses connections at a small constant cost, without an HTTP/2 session: the first call gets the error as its
 * status, which every gRPC client reports, and a GOAWAY frame carries it as text.
 */
export class TurnAway {
  /** With the party of each. */
  readonly #waiting = new Map<Socket, string>();

  refuse(socket: Socket, party: string, error: EnjambreError): void {
    socket.on('error', () => undefined);
    socket.write(settingsFrame([]));
    if (!this.#hasRoom(party)) {
      end(socket, error);
      return;
    }
    this.#waiting.set(socket, party);
    const timer = setTimeout(() => {
      end(socket, error);
    }, WAIT_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#waiting.delete(socket);
    });
    this.#awaitCall(socket, error);
  }

  stop(): void {
    for (const socket of this.#waiting.keys()) socket.destroy();
  }

  #hasRoom(party: string): boolean {
    const ofParty = [...this.#waiting.values()].filter((other) => other === party);
    return this.#waiting.size < MAX_WAITING && ofParty.length < MAX_WAITING_OF_PARTY;
  }

  #awaitCall(socket: Socket, error: EnjambreError): void {
    let answered = false;
    const reader = new FrameReader({
      dataBegins: () => undefined,
      data: () => undefined,
      dataEnded: () => undefined,
      frame: ({ type, stream }: FrameHead) => {
        if (answered || type !== FrameType.headers) return;
        answered = true;
        const head = { type, flags: Flag.endHeaders | Flag.endStream, stream };
        const answer = frame(head, encodeHeaders(Object.entries(refusalHeaders(error))));
        socket.end(Buffer.concat([answer, goaway(error, stream)]));
      },
    });
    let bytes = 0;
    socket.on('data', (part: Buffer) => {
      const start = Math.max(0, PREFACE.length - bytes);
      bytes += part.length;
      if (bytes > MAX_BYTES) socket.destroy();
      else if (!answered) pushSafely(reader, part.subarray(start), () => socket.destroy());
    });
    socket.on('end', () => socket.destroy());
  }
}

/** Ends a connection whose client has made no call. */
function end(socket: Socket, error: EnjambreError): void {
  if (socket.writable) socket.end(goaway(error, 0));
  socket.destroySoon();
}

function goaway(error: EnjambreError, last: number): Buffer {
  return goawayFrame(ErrorCode.enhanceYourCalm, goawayText(error), last);
}

/** Calls `failed` if the bytes are no frames. */
function pushSafely(reader: FrameReader, bytes: Buffer, failed: () => void): void {
  try {
    reader.push(bytes);
  } catch {
    failed();
  }
}
