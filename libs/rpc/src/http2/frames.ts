/** The part of HTTP/2 frames (RFC 9113) that a client needs to send requests and stream bodies. */

/** Bytes of a frame's head: length, type, flags, stream. */
export const FRAME_HEAD_BYTES = 9;
/** Longer payloads are neither sent nor accepted: the peer may send them only if we allow it. */
export const MAX_PAYLOAD_BYTES = 16_384;
/** Initial size of every window. */
export const DEFAULT_WINDOW = 65_535;
/** The first bytes from a client. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export const FrameType = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const Flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export const Setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
} as const;

export const ErrorCode = {
  noError: 0,
  protocolError: 1,
  flowControlError: 3,
  streamClosed: 5,
  frameSizeError: 6,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const;

/** The peer violated HTTP/2: the connection ends with `code`. */
export class Http2Violation extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

export interface FrameHead {
  /** Bytes of the payload. */
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  /** 0 is the connection itself. */
  readonly stream: number;
}

/** Encodes a frame. */
export function frame(head: Omit<FrameHead, 'length'>, payload: Uint8Array = NOTHING): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEAD_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = head.type;
  bytes[4] = head.flags;
  bytes.writeUInt32BE(head.stream, 5);
  bytes.set(payload, FRAME_HEAD_BYTES);
  return bytes;
}

const NOTHING = Buffer.alloc(0);

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * settings.length);
  for (const [index, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, 6 * index);
    payload.writeUInt32BE(value, 6 * index + 2);
  }
  return frame({ type: FrameType.settings, flags: 0, stream: 0 }, payload);
}

/** Extends the sender's window by `bytes`. */
export function windowUpdateFrame(stream: number, bytes: number): Buffer {
  return frame({ type: FrameType.windowUpdate, flags: 0, stream }, uint32(bytes));
}

export function rstStreamFrame(stream: number, code: number): Buffer {
  return frame({ type: FrameType.rstStream, flags: 0, stream }, uint32(code));
}

/**
 * Ends a connection.
 *
 * @param code reason of the shutdown
 * @param text the reason for people
 * @param last the last stream of the peer that was processed
 */
export function goawayFrame(code: number, text = '', last = 0): Buffer {
  const payload = Buffer.concat([uint32(last), uint32(code), Buffer.from(text)]);
  return frame({ type: FrameType.goaway, flags: 0, stream: 0 }, payload);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
