/** Bytes of gRPC's prefix of a message: the compression flag, and the length. */
export const GRPC_PREFIX_BYTES = 5;

/** Writes the prefix at the start of `memory`, for a message of `length` bytes after it. */
export function putGrpcPrefix(memory: Buffer, length: number): void {
  memory.writeUInt8(0, 0);
  memory.writeUInt32BE(length, 1);
}

/** A message that is too long, compressed, or malformed. */
export class MessageReadError extends Error {}

/**
 * Length in bytes of the message that follows. Throws {@link MessageReadError} if it is compressed or longer
 * than `maxBytes`.
 */
export function readGrpcPrefix(prefix: Buffer, maxBytes: number): number {
  const length = prefix.readUInt32BE(1);
  if (prefix[0] !== 0) throw new MessageReadError('a compressed message');
  if (length > maxBytes) throw new MessageReadError(`a message of ${length} bytes`);
  return length;
}
