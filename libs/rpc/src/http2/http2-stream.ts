/** Why a stream ended early. */
export interface StreamEnd {
  readonly reason: string;
  /** The server sent what no honest server sends. */
  readonly isViolation: boolean;
}

/** Receives the events of a stream. `closed` is the last. */
export interface Http2Listener {
  /** @param isLast true for trailers, or for headers without a body: nothing follows */
  readonly headers: (fields: ReadonlyMap<string, string>, isLast: boolean) => void;
  /** A part of the body, valid only during the call. */
  readonly data: (part: Buffer) => void;
  /** @param end why it ended early; undefined if the server ended it */
  readonly closed: (end: StreamEnd | undefined) => void;
}

export interface Http2Stream {
  write(bytes: Buffer): void;
  /** Ends our side; the server may continue. */
  end(): void;
  /** Ends the stream at once. The listener is not called again. */
  cancel(): void;
}
