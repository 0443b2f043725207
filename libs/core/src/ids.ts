import { EnjambreError } from './error.js';
import { quote } from './quote.js';

declare const kind: unique symbol;

/** The v2 infohash of a torrent (BEP 52: SHA-256 of the bencoded info dictionary): 64 lower-case hex digits. */
export type InfoHash = string & { readonly [kind]: 'infohash' };

/** The identity of a peer (the hash of its public key): 64 lower-case hex digits. */
export type PeerId = string & { readonly [kind]: 'peer-id' };

const ID_BYTES = 32;
const SHORT_DIGITS = 8;

/** Parses 64 hex digits of any case. Throws `invalid` INVALID_INFOHASH for anything else. */
export function parseInfoHash(text: string): InfoHash {
  return parseId(text, 'INVALID_INFOHASH', 'an infohash') as InfoHash;
}

/** Converts 32 bytes. Throws `invalid` INVALID_INFOHASH for any other length. */
export function infoHashFromBytes(bytes: Uint8Array): InfoHash {
  return idFromBytes(bytes, 'INVALID_INFOHASH', 'an infohash') as InfoHash;
}

/** The 32 bytes of an infohash, in new memory. */
export function infoHashToBytes(id: InfoHash): Buffer {
  return Buffer.from(id, 'hex');
}

/** Parses 64 hex digits of any case. Throws `invalid` INVALID_PEER_ID for anything else. */
export function parsePeerId(text: string): PeerId {
  return parseId(text, 'INVALID_PEER_ID', 'a peer id') as PeerId;
}

/** Converts 32 bytes. Throws `invalid` INVALID_PEER_ID for any other length. */
export function peerIdFromBytes(bytes: Uint8Array): PeerId {
  return idFromBytes(bytes, 'INVALID_PEER_ID', 'a peer id') as PeerId;
}

/** The 32 bytes of a peer id, in new memory. */
export function peerIdToBytes(id: PeerId): Buffer {
  return Buffer.from(id, 'hex');
}

/** The first 8 digits, for people; programs compare whole ids. */
export function shortId(id: InfoHash | PeerId): string {
  return id.slice(0, SHORT_DIGITS);
}

function parseId(text: string, reason: string, what: string): string {
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new EnjambreError('invalid', reason, `${quote(text)} is not ${what}: give 64 hexadecimal digits`);
  }
  return text.toLowerCase();
}

function idFromBytes(bytes: Uint8Array, reason: string, what: string): string {
  if (bytes.length !== ID_BYTES) {
    throw new EnjambreError('invalid', reason, `${bytes.length} bytes are not ${what}: give ${ID_BYTES}`);
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
