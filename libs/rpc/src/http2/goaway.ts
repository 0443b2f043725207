import { ErrorCode, Http2Violation } from './frames.js';

/** Limit of the characters of a server's reason: they reach messages for people. */
const MAX_REASON_CHARS = 200;

/** The end of a connection, announced by the server. */
export interface Goaway {
  /** Streams above this one are not answered. */
  readonly lastStream: number;
  /** Why, for people. */
  readonly reason: string;
}

/** Reads the payload of a GOAWAY frame: last stream, error code, and text by the server. Throws {@link Http2Violation}. */
export function readGoaway(payload: Buffer): Goaway {
  if (payload.length < 8) throw new Http2Violation(ErrorCode.frameSizeError, 'a truncated frame');
  const lastStream = payload.readUInt32BE(0) & 0x7fff_ffff;
  const code = payload.readUInt32BE(4);
  const text = printable(payload.subarray(8));
  if (text !== '') return { lastStream, reason: `the peer ended the connection: ${text}` };
  if (code === ErrorCode.noError) return { lastStream, reason: 'the peer accepts no more streams' };
  return { lastStream, reason: `the peer ended the connection (${code})` };
}

/** The server is not trusted: one line, bounded, without characters that a terminal obeys. */
function printable(bytes: Buffer): string {
  const text = bytes.subarray(0, 4 * MAX_REASON_CHARS).toString('utf8');
  return text
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .slice(0, MAX_REASON_CHARS)
    .toWellFormed()
    .trim();
}
