import { EnjambreError } from '@enjambre/core/error';
import { infoHashFromBytes, infoHashToBytes, type InfoHash, type PeerId } from '@enjambre/core/ids';
import { checkName } from '@enjambre/core/names';
import { canonicalName } from '@enjambre/core/peer-names';
import { peerIdOfKey, verifySigned, type PeerIdentity } from './identity.js';

/** What a peer says when it publishes a file. */
export interface PublicationFacts {
  readonly infohash: InfoHash;
  /** Name of the file. */
  readonly name: string;
  /** From 1; higher for each version that the publisher gives this name. */
  readonly version: number;
  /** When it was published, in milliseconds since 1970: later for each version. */
  readonly at: number;
  /** Name of the publisher at that time. */
  readonly publisherName: string;
}

/** A publication with its signature. */
export interface PublicationRecord extends PublicationFacts {
  readonly publisherId: PeerId;
  /** True if the publisher has signed it: costs about 0.1 ms. */
  readonly verify: () => boolean;
}

const FORMAT = 1;
const SIGNATURE_BYTES = 64;
const KEY_BYTES = 32;
const INFOHASH_BYTES = 32;
const VERSION_BYTES = 4;
const TIME_BYTES = 6;
/** The highest number of a version. */
export const MAX_VERSION_NUMBER = 0x7fff_ffff;
/** The last millisecond of the year 9999. */
const MAX_TIME = 253_402_300_799_999;
/** Bytes before the two names. */
const HEAD_BYTES = 1 + KEY_BYTES + INFOHASH_BYTES + VERSION_BYTES + TIME_BYTES;
/** The longest record: both names have at most 255 bytes. */
export const MAX_PUBLICATION_BYTES = HEAD_BYTES + 2 * 256 + SIGNATURE_BYTES;

/**
 * Signs a publication. Its form has one encoding of each content: a byte 1; the public key, 32 bytes; the infohash, 32
 * bytes; the version, 4 bytes; the time in milliseconds, 6 bytes (both big-endian); the name of the file and that of the
 * publisher, each UTF-8 after a byte with its length; and the signature over "enjambre publication v1", a zero byte and
 * all of that.
 */
export function signPublication(identity: PeerIdentity, facts: PublicationFacts): Buffer {
  const body = encodePublication(identity.publicKey, facts);
  return Buffer.concat([body, identity.sign(signedText(body))]);
}

/** A publication without its signature: the only encoding of these facts. */
export function encodePublication(publicKey: Uint8Array, facts: PublicationFacts): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(FORMAT, 0);
  head.set(publicKey, 1);
  head.set(infoHashToBytes(facts.infohash), 1 + KEY_BYTES);
  head.writeUInt32BE(facts.version, HEAD_BYTES - TIME_BYTES - VERSION_BYTES);
  head.writeUIntBE(facts.at, HEAD_BYTES - TIME_BYTES, TIME_BYTES);
  return Buffer.concat([head, textToBytes(facts.name), textToBytes(facts.publisherName)]);
}

/** Parses a publication; its signature is not verified yet. Throws `invalid` BAD_PUBLICATION. */
export function parsePublication(bytes: Uint8Array): PublicationRecord {
  if (bytes.length < HEAD_BYTES + SIGNATURE_BYTES || bytes.length > MAX_PUBLICATION_BYTES)
    throw badPublication(`${bytes.length} bytes`);
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (all.readUInt8(0) !== FORMAT) throw badPublication(`unknown format ${all.readUInt8(0)}`);
  const body = all.subarray(0, all.length - SIGNATURE_BYTES);
  const key = all.subarray(1, 1 + KEY_BYTES);
  const infohash = all.subarray(1 + KEY_BYTES, 1 + KEY_BYTES + INFOHASH_BYTES);
  const version = all.readUInt32BE(HEAD_BYTES - TIME_BYTES - VERSION_BYTES);
  const at = all.readUIntBE(HEAD_BYTES - TIME_BYTES, TIME_BYTES);
  if (version < 1 || version > MAX_VERSION_NUMBER) throw badPublication(`version ${version}`);
  if (at > MAX_TIME) throw badPublication('its time is after the year 9999');
  const name = readText(body, HEAD_BYTES);
  const publisherName = readText(body, name.end);
  if (publisherName.end !== body.length) throw badPublication('bytes after its end');
  checkNames(name.text, publisherName.text);
  return {
    infohash: infoHashFromBytes(infohash),
    name: name.text,
    version,
    at,
    publisherName: publisherName.text,
    publisherId: peerIdOfKey(key),
    verify: () => verifySigned(signedText(body), key, all.subarray(body.length)) !== undefined,
  };
}

function checkNames(name: string, publisherName: string): void {
  try {
    checkName(name);
    if (canonicalName(publisherName) === publisherName) return;
  } catch (error) {
    throw badPublication(EnjambreError.from(error).message);
  }
  throw badPublication('the name of its publisher is not in its canonical form');
}

function signedText(body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('enjambre publication v1\0', 'ascii'), body]);
}

function textToBytes(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

/** The text at a place, and where it ends. */
function readText(body: Buffer, at: number): { readonly text: string; readonly end: number } {
  const end = at + 1 + (body[at] ?? 0);
  if (end > body.length) throw badPublication('a name is cut off');
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      body.subarray(at + 1, end),
    );
    return { text, end };
  } catch {
    throw badPublication('a name is not UTF-8');
  }
}

function badPublication(fault: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_PUBLICATION', `the publication is malformed: ${fault}`);
}
