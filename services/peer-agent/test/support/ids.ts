import { createHash } from 'node:crypto';
import { parseInfoHash, parsePeerId, type InfoHash, type PeerId } from '@enjambre/core/ids';

/** A peer id derived from a name. */
export function peerNamed(name: string): PeerId {
  return parsePeerId(createHash('sha256').update(name).digest('hex'));
}

/** An infohash that begins with `digits`. */
export function infoHash(digits: string): InfoHash {
  return parseInfoHash(digits.padEnd(64, '0'));
}
