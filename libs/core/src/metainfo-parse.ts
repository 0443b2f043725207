import { createHash } from 'node:crypto';
import { decodeTorrent, encodeSteps } from './bencode.js';
import { scanFor, scanForAll, sumOf } from './bencode-scan.js';
import { BencodeDict, type BencodeValue, MAX_BENCODE_BYTES } from './bencode-value.js';
import { decodeName, readFileTree } from './file-tree.js';
import { infoHashFromBytes, type InfoHash } from './ids.js';
import { badMetainfo, MAX_PIECES, type Metainfo, type MetainfoFile, UnusableTorrent } from './metainfo.js';
import { ABSURD_NAME_BYTES, nameFault } from './names.js';
import { messageOf } from './error.js';
import { isPieceLength } from './piece-length.js';
import { readPieceLayers } from './piece-layers.js';
import { quote } from './quote.js';
import { runSteps, type Steps } from './steps.js';

const META_VERSION = 2;
/** Bytes hashed in one step. */
const HASHED_BYTES = 1 << 18;
/** Values of keys that other clients add: trackers, web seeds, comments. */
const MAX_EXTRA_VALUES = 10_000;

/** The contents of `info`, which the infohash authenticates. */
export type TorrentInfo = Omit<Metainfo, 'layers' | 'bytes'>;

/**
 * Parses a `.torrent` of version 2 or a hybrid (its v1 keys and unknown keys are ignored) of at most 64 MiB,
 * and validates all of it; see `Metainfo` for the guarantees. The bytes are copied; keys out of order outside
 * `info` and white space at the end are normalized. Throws `invalid` BAD_METAINFO with the fault, also for a
 * missing piece layer. Source: BEP 52.
 */
export function parseMetainfo(bytes: Uint8Array): Metainfo {
  return runSteps(parseMetainfoSteps(bytes));
}

/**
 * {@link parseMetainfo} in steps: very many files take seconds. Given the `expected` infohash, it throws `invalid`
 * BAD_METAINFO before anything is decoded if the bytes belong to another, and {@link UnusableTorrent} if the fault
 * is in what the infohash authenticates: then every copy of this metainfo has it.
 */
export function* parseMetainfoSteps(bytes: Uint8Array, expected?: InfoHash): Steps<Metainfo> {
  const { metainfo, missing = '' } = yield* parseTorrentSteps(bytes, expected);
  if (metainfo) return metainfo;
  throw badMetainfo(`the piece layer of root ${missing} is missing`);
}

/** A torrent whose piece layers may be missing. */
export interface ParsedTorrent {
  readonly info: TorrentInfo;
  readonly metainfo?: Metainfo;
  /** A root whose layer is missing. */
  readonly missing?: string;
}

/**
 * Like {@link parseMetainfo}, but piece layers may be missing, as in torrents of some clients: then there is
 * no `metainfo`, and a peer must supply it. A wrong layer is always a fault.
 */
export function parseTorrent(bytes: Uint8Array): ParsedTorrent {
  return runSteps(parseTorrentSteps(bytes));
}

/** {@link parseTorrent} in steps; `expected` as for {@link parseMetainfoSteps}. */
export function* parseTorrentSteps(bytes: Uint8Array, expected?: InfoHash): Steps<ParsedTorrent> {
  if (bytes.length > MAX_BENCODE_BYTES)
    throw badMetainfo(`${bytes.length} bytes are more than ${MAX_BENCODE_BYTES / 2 ** 20} MiB`);
  if (expected !== undefined) yield* checkInfo(bytes, expected);
  const own = Buffer.from(bytes);
  const { value, canonical } = yield* decode(own);
  const torrent = expectDict(value, 'the file');
  const info = yield* expected === undefined ? readInfo(torrent) : unusable(readInfo(torrent));
  const held = torrent.get('piece layers');
  const { layers, missing } = yield* readPieceLayers(held, info.files, info.pieceLength);
  if (missing !== undefined) return { info, missing };
  return { info, metainfo: { ...info, layers, bytes: canonical ? own : yield* encodeSteps(torrent) } };
}

/**
 * Checks bytes of a stranger before memory is spent on them: only `info` is authenticated, and what lies beside it
 * has little more values than that.
 */
function* checkInfo(bytes: Uint8Array, expected: InfoHash): Steps<void> {
  const found = yield* scanFor(bytes, 'info');
  if (!found) throw badMetainfo('it is cut off, or has no info');
  const infohash = infoHashFromBytes(yield* sha256(bytes.subarray(found.start, found.end)));
  if (infohash !== expected) throw badMetainfo('it belongs to another file');
  if (found.otherValues > found.values + MAX_EXTRA_VALUES)
    throw badMetainfo(`it holds ${found.otherValues} values beside its info`);
  yield* unusable(checkLengths(bytes.subarray(found.start, found.end)));
}

/** Refuses far too many pieces before the files are decoded, which takes a hundred times their bytes in memory. */
function* checkLengths(info: Uint8Array): Steps<void> {
  const found = yield* scanForAll(info, ['piece length', 'file tree']);
  const [pieceLength, tree] = [found?.get('piece length'), found?.get('file tree')];
  if (!pieceLength || !tree) return;
  const { value } = yield* decode(Buffer.from(info.subarray(pieceLength.start, pieceLength.end)));
  const total = yield* sumOf(info.subarray(tree.start, tree.end), 'length');
  if (typeof value === 'number' && total !== undefined) refuseTooMany(Math.ceil(total / value));
}

/** Faults of authenticated bytes, which another peer's copy would have as well. */
function* unusable<T>(steps: Steps<T>): Steps<T> {
  try {
    return yield* steps;
  } catch (error) {
    throw new UnusableTorrent(error);
  }
}

function* readInfo(torrent: BencodeDict): Steps<TorrentInfo> {
  const info = expectDict(torrent.get('info'), 'its info');
  const infohash = infoHashFromBytes(yield* sha256(torrent.raw('info')));
  if (info.get('meta version') !== META_VERSION) throw badMetainfo('it is not of version 2 (BEP 52)');

  const name = readTorrentName(info.get('name'));
  const pieceLength = info.get('piece length');
  if (typeof pieceLength !== 'number' || !isPieceLength(pieceLength)) {
    throw badMetainfo('the piece length is not a power of two from 16 KiB to 64 MiB');
  }
  const files = yield* readFileTree(expectDict(info.get('file tree'), 'its file tree'));
  const totalLength = sumOfLengths(files);
  checkPieceCount(files, pieceLength);
  return {
    infohash,
    name,
    pieceLength,
    files,
    isFolder: !isSingleFile(files, name),
    totalLength,
  };
}

function checkPieceCount(files: readonly MetainfoFile[], pieceLength: number): void {
  const pieces = files.reduce((sum, { length }) => sum + Math.ceil(length / pieceLength), 0);
  refuseTooMany(pieces);
}

function refuseTooMany(pieces: number): void {
  if (pieces > MAX_PIECES) throw badMetainfo(`it has ${pieces} pieces, more than ${MAX_PIECES}`);
}

function* sha256(bytes: Uint8Array): Steps<Buffer> {
  const hash = createHash('sha256');
  for (let from = 0; from < bytes.length; from += HASHED_BYTES) {
    hash.update(bytes.subarray(from, from + HASHED_BYTES));
    yield;
  }
  return hash.digest();
}

function* decode(bytes: Buffer): ReturnType<typeof decodeTorrent> {
  try {
    return yield* decodeTorrent(bytes);
  } catch (error) {
    throw badMetainfo(messageOf(error), error);
  }
}

function expectDict(value: BencodeValue | undefined, what: string): BencodeDict {
  if (!(value instanceof BencodeDict)) throw badMetainfo(`${what} is not a dictionary`);
  return value;
}

function readTorrentName(value: BencodeValue | undefined): string {
  const isAbsurd = Buffer.isBuffer(value) && value.length > ABSURD_NAME_BYTES;
  const name = Buffer.isBuffer(value) && !isAbsurd ? decodeName(value) : undefined;
  if (name === undefined) throw badMetainfo('it has no name in UTF-8, or one that is far too long');
  const fault = nameFault(name);
  if (fault !== undefined) throw badMetainfo(`its name ${quote(name)} ${fault}`);
  return name;
}

function sumOfLengths(files: readonly MetainfoFile[]): number {
  const total = files.reduce((sum, file) => sum + file.length, 0);
  if (total === 0) throw badMetainfo('it holds no bytes to download');
  if (!Number.isSafeInteger(total)) throw badMetainfo('its files are longer than 2^53 - 1 bytes together');
  return total;
}

/**
 * BEP 52 has no mark for a single file: it is a tree of one file with the torrent's own name. A folder that
 * holds only a file of the folder's name has the same bytes, so the two are indistinguishable.
 */
function isSingleFile(files: readonly MetainfoFile[], name: string): boolean {
  const [file] = files;
  return files.length === 1 && file?.path.length === 1 && file.path[0] === name;
}
