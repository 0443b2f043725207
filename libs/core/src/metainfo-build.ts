import { encodeSteps } from './bencode.js';
import { BencodeDict, type BencodeValue, MAX_BENCODE_BYTES } from './bencode-value.js';
import { badMetainfo, MAX_PATH_DEPTH, type Metainfo } from './metainfo.js';
import { parseMetainfoSteps } from './metainfo-parse.js';
import { checkName } from './names.js';
import { quote } from './quote.js';
import { runSteps, StepCount, type Steps } from './steps.js';

const META_VERSION = 2;

/** Description of a file. */
export interface BuildFile {
  /** Folders and name below the torrent's folder; `[name]` for a single file. */
  readonly path: readonly string[];
  /** In bytes. */
  readonly length: number;
  /** From `fileRoot`, 32 bytes; absent for an empty file. */
  readonly piecesRoot?: Buffer | undefined;
  /** The roots of the pieces, 32 bytes each; required for a file longer than a piece, ignored otherwise. */
  readonly layer?: Buffer | undefined;
  /** Marks the file as executable (BEP 47, attribute x). */
  readonly executable?: boolean | undefined;
}

export interface BuildInput {
  readonly name: string;
  /** In bytes: a power of two from 16 KiB to 64 MiB. */
  readonly pieceLength: number;
  readonly isFolder: boolean;
  /** In any order: the file tree sorts them. */
  readonly files: readonly BuildFile[];
}

type Folder = Map<string, Folder | BencodeDict>;

/**
 * Builds the v2 metainfo of hashed files. The same input gives the same bytes, namely those that libtorrent
 * writes without a creation date and creator. Throws `invalid` BAD_NAME for a name that `checkName` refuses,
 * and BAD_METAINFO for anything else that `parseMetainfo` would refuse and for a folder that holds only a
 * file of its own name, which would be parsed as that file. Source: BEP 52.
 */
export function buildMetainfo(input: BuildInput): Metainfo {
  return runSteps(buildMetainfoSteps(input));
}

/** {@link buildMetainfo} in steps: very many files take seconds. */
export function* buildMetainfoSteps(input: BuildInput): Steps<Metainfo> {
  checkName(input.name);
  const info = dict({
    'file tree': yield* fileTree(input.files),
    'meta version': META_VERSION,
    name: Buffer.from(input.name),
    'piece length': input.pieceLength,
  });
  const bytes = yield* encodeSteps(dict({ info, 'piece layers': yield* pieceLayers(input) }));
  if (bytes.length > MAX_BENCODE_BYTES) {
    throw badMetainfo(
      `it takes ${bytes.length} bytes, more than ${MAX_BENCODE_BYTES / 2 ** 20} MiB: choose longer pieces or fewer files`,
    );
  }
  const metainfo = yield* parseMetainfoSteps(bytes);
  if (metainfo.isFolder !== input.isFolder) {
    throw badMetainfo(
      input.isFolder
        ? `a folder that holds only a file of its own name, ${quote(input.name)}, cannot be distinguished from that file: share the file`
        : 'a torrent that is not a folder has one file, whose path is the name of the torrent',
    );
  }
  return metainfo;
}

function* pieceLayers({ files, pieceLength }: BuildInput): Steps<BencodeDict> {
  const step = new StepCount();
  const layers = new Map<string, BencodeValue>();
  for (const { length, piecesRoot, layer } of files) {
    if (length > pieceLength && piecesRoot && layer) layers.set(piecesRoot.toString('latin1'), layer);
    if (step.isFull()) yield;
  }
  return yield* BencodeDict.steps(layers);
}

function* fileTree(files: readonly BuildFile[]): Steps<BencodeDict> {
  const step = new StepCount();
  const root: Folder = new Map();
  for (const file of files) {
    file.path.forEach(checkName);
    const name = file.path.at(-1);
    if (name === undefined || file.path.length > MAX_PATH_DEPTH) {
      throw badMetainfo(`${describe(file)} does not have 1 to ${MAX_PATH_DEPTH} names in its path`);
    }
    const folder = folderOf(root, file);
    if (folder.has(keyOf(name))) throw badMetainfo(`${describe(file)} is the path of two entries`);
    folder.set(keyOf(name), dict({ '': leaf(file) }));
    if (step.isFull()) yield;
  }
  return yield* folderDict(root, step);
}

function folderOf(root: Folder, file: BuildFile): Folder {
  let folder = root;
  for (const name of file.path.slice(0, -1)) {
    const inner = folder.get(keyOf(name)) ?? new Map<string, Folder | BencodeDict>();
    if (inner instanceof BencodeDict) throw badMetainfo(`${describe(file)} lies in another file`);
    folder.set(keyOf(name), inner);
    folder = inner;
  }
  return folder;
}

function leaf({ length, piecesRoot, executable }: BuildFile): BencodeDict {
  return dict({
    ...(executable && { attr: Buffer.from('x') }),
    length,
    ...(length > 0 && piecesRoot && { 'pieces root': piecesRoot }),
  });
}

function* folderDict(folder: Folder, step: StepCount): Steps<BencodeDict> {
  const entries = new Map<string, BencodeDict>();
  for (const [key, node] of folder) {
    entries.set(key, node instanceof BencodeDict ? node : yield* folderDict(node, step));
    if (step.isFull()) yield;
  }
  return yield* BencodeDict.steps(entries);
}

function dict(values: Readonly<Record<string, BencodeValue>>): BencodeDict {
  return BencodeDict.of(new Map(Object.entries(values)));
}

/** A name as a bencode key: its UTF-8 bytes, one character each. */
function keyOf(name: string): string {
  return Buffer.from(name).toString('latin1');
}

function describe(file: BuildFile): string {
  return quote(file.path.join('/'));
}
