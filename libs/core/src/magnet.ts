import { EnjambreError } from './error.js';
import { type InfoHash, parseInfoHash } from './ids.js';
import { nameFault } from './names.js';
import { quote } from './quote.js';

interface Magnet {
  readonly infohash: InfoHash;
  /** Display name of the content. Only a hint: the metainfo decides. */
  readonly name?: string;
}

/** A multihash prefix for SHA-256 (0x12) with 32 bytes (0x20), as BEP 52 uses it. */
const V2_TOPIC = /^urn:btmh:1220([0-9a-f]{64})$/i;
const V1_TOPIC = /^urn:btih:/i;

/**
 * Parses `magnet:?xt=urn:btmh:1220<64 hex digits>&dn=<name>`. Among several topics (`xt`, `xt.1` …) the first
 * v2 topic is used; other parameters, and names that `checkName` refuses, are ignored. Throws `invalid`
 * BAD_MAGNET. Source: BEP 9, BEP 52.
 */
export function parseMagnet(text: string): Magnet {
  const [, query] = /^magnet:\?(.*)$/is.exec(text) ?? [];
  if (query === undefined)
    throw badMagnet(`${quote(text)} is not a magnet link: it must begin with "magnet:?"`);
  const parameters = new URLSearchParams(query);
  const topics = [...parameters].filter(([key]) => /^xt(\.\d+)?$/i.test(key)).map(([, topic]) => topic);
  const digits = topics.map((topic) => V2_TOPIC.exec(topic)?.[1]).find((found) => found !== undefined);
  if (digits === undefined) {
    throw badMagnet(
      topics.some((topic) => V1_TOPIC.test(topic))
        ? 'the magnet link is for BitTorrent v1: only v2 links (xt=urn:btmh:1220…) are supported'
        : 'the magnet link names no v2 torrent: it needs xt=urn:btmh:1220 and 64 hexadecimal digits',
    );
  }
  const name = parameters.get('dn');
  const infohash = parseInfoHash(digits);
  return name === null || nameFault(name) !== undefined ? { infohash } : { infohash, name };
}

/** The magnet link of an infohash; `name`, which must pass `checkName`, becomes its display name. */
export function formatMagnet(infohash: InfoHash, name?: string): string {
  const link = `magnet:?xt=urn:btmh:1220${infohash}`;
  return name === undefined ? link : `${link}&dn=${encodeURIComponent(name)}`;
}

function badMagnet(message: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_MAGNET', message);
}
