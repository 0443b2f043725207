import { EnjambreError } from '@enjambre/core/error';
import { checkName } from '@enjambre/core/names';
import { isPowerOfTwo } from '@enjambre/core/power-of-two';

/** The catalogue's description of a shared file or folder. */
export interface FileSummary {
  readonly name: string;
  /** Total bytes. */
  readonly size: number;
  /** Bytes in a piece. */
  readonly pieceLength: number;
  readonly fileCount: number;
}

const MIN_PIECE_LENGTH = 16_384;
const MAX_FILE_COUNT = 1_000_000;

/**
 * Throws `invalid` BAD_NAME, INVALID_SIZE (less than a byte, or not below 2^53),
 * INVALID_PIECE_LENGTH (not a power of two of 16 KiB to 1 GiB) or INVALID_FILE_COUNT
 * (none, or more than a million).
 */
export function checkFileSummary({ name, size, pieceLength, fileCount }: FileSummary): void {
  checkName(name);
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new EnjambreError('invalid', 'INVALID_SIZE', `${size} is not a size: give 1 to 2^53 - 1 bytes`);
  }
  if (pieceLength < MIN_PIECE_LENGTH || !isPowerOfTwo(pieceLength)) {
    const message = `${pieceLength} is not a piece length: give a power of two of at least ${MIN_PIECE_LENGTH}`;
    throw new EnjambreError('invalid', 'INVALID_PIECE_LENGTH', message);
  }
  if (!Number.isInteger(fileCount) || fileCount < 1 || fileCount > MAX_FILE_COUNT) {
    const message = `${fileCount} is not a number of files: give 1 to ${MAX_FILE_COUNT}`;
    throw new EnjambreError('invalid', 'INVALID_FILE_COUNT', message);
  }
}

export function sameSummary(one: FileSummary, other: FileSummary | undefined): boolean {
  return (
    other !== undefined &&
    one.name === other.name &&
    one.size === other.size &&
    one.pieceLength === other.pieceLength &&
    one.fileCount === other.fileCount
  );
}
