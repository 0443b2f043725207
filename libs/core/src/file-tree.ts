import { BencodeDict, type BencodeValue } from './bencode-value.js';
import { HASH_SIZE } from './merkle.js';
import { badMetainfo, type MetainfoFile } from './metainfo.js';
import { ABSURD_NAME_BYTES, nameFault } from './names.js';
import { quote } from './quote.js';
import { StepCount, type Steps } from './steps.js';

const NO_HASH = Buffer.alloc(HASH_SIZE);
const SYMLINK = 'l';
const EXECUTABLE = 'x';
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The files of a `file tree` dictionary (BEP 52), in its order. A file is the entry of a folder that holds
 * one entry with an empty key. Throws `invalid` BAD_METAINFO for names that `checkName` refuses, and for
 * invalid lengths or roots. Symbolic links (BEP 47) are refused: they could lead anywhere. Names that differ
 * only in case or in Unicode normalization are distinct: whether a file system treats them as one is found
 * when they are written.
 */
export function* readFileTree(tree: BencodeDict): Steps<MetainfoFile[]> {
  const files: MetainfoFile[] = [];
  yield* readFolder(tree, [], { files, step: new StepCount() });
  return files;
}

/** Decodes a name; undefined if its bytes are not UTF-8. */
export function decodeName(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Recursive: the bencode decoder bounds the depth. */
function* readFolder(
  folder: BencodeDict,
  path: readonly string[],
  into: { readonly files: MetainfoFile[]; readonly step: StepCount },
): Steps<void> {
  if (folder.size === 0) throw badMetainfo(`${describe(path)} is empty`);
  for (const [key, node] of folder) {
    const name = readName(key, path);
    const here = [...path, name];
    if (!(node instanceof BencodeDict)) throw badMetainfo(`${describe(here)} is not a dictionary`);
    const file = node.get('');
    if (file === undefined) yield* readFolder(node, here, into);
    else if (node.size === 1) into.files.push(readFile(file, here));
    else throw badMetainfo(`${describe(here)} is both a file and a folder`);
    if (into.step.isFull()) yield;
  }
}

function readName(key: string, path: readonly string[]): string {
  if (key.length > ABSURD_NAME_BYTES)
    throw badMetainfo(`a name in ${describe(path)} has ${key.length} bytes`);
  const name = decodeName(Buffer.from(key, 'latin1'));
  if (name === undefined) throw badMetainfo(`a name in ${describe(path)} is not UTF-8`);
  const fault = nameFault(name);
  if (fault !== undefined) throw badMetainfo(`${describe([...path, name])} ${fault}`);
  return name;
}

function readFile(file: BencodeValue, path: readonly string[]): MetainfoFile {
  if (!(file instanceof BencodeDict)) throw badMetainfo(`${describe(path)} is not a dictionary`);
  const attributes = file.get('attr');
  const has = (attribute: string): boolean => Buffer.isBuffer(attributes) && attributes.includes(attribute);
  if (has(SYMLINK)) throw badMetainfo(`${describe(path)} is a symbolic link`);
  const executable = has(EXECUTABLE) ? { executable: true as const } : {};
  const length = file.get('length');
  if (typeof length !== 'number' || length < 0) {
    throw badMetainfo(`${describe(path)} has no length from 0 to 2^53 - 1`);
  }
  // Some clients write a root of zeros for an empty file; it is ignored.
  if (length === 0) return { path, length, ...executable };
  const piecesRoot = file.get('pieces root');
  if (!Buffer.isBuffer(piecesRoot) || piecesRoot.length !== HASH_SIZE) {
    throw badMetainfo(`${describe(path)} has no pieces root of ${HASH_SIZE} bytes`);
  }
  if (piecesRoot.equals(NO_HASH)) throw badMetainfo(`${describe(path)} has a pieces root of zeros`);
  return { path, length, piecesRoot, ...executable };
}

function describe(path: readonly string[]): string {
  return path.length === 0 ? 'the file tree' : quote(path.join('/'));
}
