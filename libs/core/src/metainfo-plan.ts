import { MAX_BENCODE_BYTES, MAX_BENCODE_VALUES } from './bencode-value.js';
import { EnjambreError } from './error.js';
import { HASH_SIZE } from './merkle.js';
import { MAX_FILES } from './metainfo.js';
import { choosePieceLength, MAX_PIECE_LENGTH } from './piece-length.js';
import { quote } from './quote.js';

const MIB = 2 ** 20;
const SHORTEST = 16 * 1024;
/** `d0:d`, `6:lengthi`, `e` and `ee` around a file's length. */
const FILE_BYTES = 16;
/** `11:pieces root32:` and the root. */
const ROOT_BYTES = 17 + HASH_SIZE;
/** `4:attr1:x` */
const EXECUTABLE_BYTES = 9;
/** Everything around the name, the file tree and the layers, including their length prefixes. */
const FRAME_BYTES = 128;
const FRAME_VALUES = 16;
/** A file's two dictionaries and its length; without its root, attribute and layer. */
const FILE_VALUES = 3;

/** Properties of a file that are known before it is hashed. */
export interface PlannedFile {
  readonly path: readonly string[];
  /** In bytes. */
  readonly length: number;
  readonly executable?: boolean | undefined;
}

/**
 * Decides from names and lengths alone whether a folder can be described, and with which piece length, before
 * anything is hashed. Files are added one by one: there may be a million of them.
 */
export class MetainfoPlan {
  #treeBytes = 0;
  #values = FRAME_VALUES;
  #totalLength = 0;
  #files = 0;
  readonly #folders = new Set<string>();
  /** Bytes of the layers, indexed by the logarithm of the piece length relative to the shortest. */
  readonly #layerBytes: number[] = [];

  add({ path, length, executable }: PlannedFile): void {
    this.#files += 1;
    this.#totalLength += length;
    this.#treeBytes += FILE_BYTES + String(length).length + keyBytes(path.at(-1) ?? '');
    if (length > 0) this.#treeBytes += ROOT_BYTES;
    if (executable === true) this.#treeBytes += EXECUTABLE_BYTES;
    this.#values +=
      FILE_VALUES + Number(length > 0) + Number(executable === true) + Number(length > SHORTEST);
    this.#addFolders(path);
    let step = 0;
    for (let pieceLength = SHORTEST; pieceLength < length; pieceLength *= 2, step += 1) {
      const layer = Math.ceil(length / pieceLength) * HASH_SIZE;
      const bytes = 2 + 1 + HASH_SIZE + String(layer).length + 1 + layer;
      this.#layerBytes[step] = (this.#layerBytes[step] ?? 0) + bytes;
    }
  }

  /** Upper bound of the metainfo's bytes; equal layers are written only once. */
  bytes(name: string, pieceLength: number): number {
    const layers = this.#layerBytes[Math.log2(pieceLength / SHORTEST)] ?? 0;
    return FRAME_BYTES + Buffer.byteLength(name) + this.#treeBytes + layers;
  }

  /**
   * The piece length for sharing: `wanted`, or one that gives enough pieces and a metainfo within the limits.
   * Throws `invalid` TOO_MANY_FILES or BAD_PIECE_LENGTH if there is none.
   */
  pieceLength(name: string, wanted?: number): number {
    if (this.#files > MAX_FILES || this.#values > MAX_BENCODE_VALUES) {
      throw tooManyFiles(name, `${this.#files} files, more than metainfo can describe`);
    }
    let length = wanted ?? choosePieceLength(this.#totalLength);
    while (this.bytes(name, length) > MAX_BENCODE_BYTES) {
      if (length === MAX_PIECE_LENGTH) throw this.#tooLarge(name);
      length *= 2;
    }
    if (wanted !== undefined && length !== wanted) throw tooShort(name, wanted, length);
    return length;
  }

  #addFolders(path: readonly string[]): void {
    let folder = '';
    for (const name of path.slice(0, -1)) {
      folder += `/${name}`;
      if (this.#folders.has(folder)) continue;
      this.#folders.add(folder);
      this.#treeBytes += keyBytes(name) + 2;
      this.#values += 1;
    }
  }

  #tooLarge(name: string): EnjambreError {
    const size = Math.ceil(this.bytes(name, MAX_PIECE_LENGTH) / MIB);
    return tooManyFiles(
      name,
      `${this.#files} files, whose metainfo takes ${size} MiB of ${MAX_BENCODE_BYTES / MIB}`,
    );
  }
}

/**
 * A folder that holds only a file of its own name would be parsed as that file. Throws `invalid`, NAMESAKE.
 */
export function checkNotNamesake(name: string, files: readonly PlannedFile[]): void {
  const [file] = files;
  if (files.length !== 1 || file?.path.length !== 1 || file.path[0] !== name) return;
  const message = `the folder holds only a file of its own name, ${quote(name)}, and cannot be distinguished from it: share the file, or choose another name`;
  throw new EnjambreError('invalid', 'NAMESAKE', message, { metadata: { setting: 'name' } });
}

function tooManyFiles(name: string, what: string): EnjambreError {
  const message = `${quote(name)} holds ${what}: share the folders in it one by one, or an archive of it`;
  return new EnjambreError('invalid', 'TOO_MANY_FILES', message);
}

function tooShort(name: string, wanted: number, needed: number): EnjambreError {
  const message = `in pieces of ${wanted} bytes the metainfo of ${quote(name)} takes more than ${MAX_BENCODE_BYTES / MIB} MiB: choose ${needed} bytes or more`;
  return new EnjambreError('invalid', 'BAD_PIECE_LENGTH', message);
}

/** Bytes of a name as a bencode key. */
function keyBytes(name: string): number {
  const bytes = Buffer.byteLength(name);
  return String(bytes).length + 1 + bytes;
}
