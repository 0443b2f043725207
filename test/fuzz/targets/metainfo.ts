import { decodeBencode, encodeBencode } from '@enjambre/core/bencode';
import { scanFor } from '@enjambre/core/bencode-scan';
import { BencodeDict } from '@enjambre/core/bencode-value';
import { formatMagnet, parseMagnet } from '@enjambre/core/magnet';
import { parseMetainfo, parseTorrent } from '@enjambre/core/metainfo-parse';
import { runSteps } from '@enjambre/core/steps';
import { bytesOf, folderMetainfo, metainfoOf } from '../../../services/peer-agent/test/support/content.js';
import { reshapeBencode } from '../reshape-bencode.js';
import { Broken, mustEqual, type FuzzTarget } from '../target.js';

const LEAF = 16_384;
const FILE = metainfoOf(bytesOf(5 * LEAF), 2 * LEAF);
const FOLDER = folderMetainfo(
  { 'a/b': bytesOf(3 * LEAF, 2), 'a/empty': Buffer.alloc(0), run: bytesOf(100, 3) },
  LEAF,
);
const SEEDS = [FILE.bytes, FOLDER.bytes, metainfoOf(bytesOf(10), LEAF).bytes];
const WORDS = [
  'info',
  '9:file tree',
  '6:length',
  '11:pieces root',
  '12:piece length',
  '4:name',
  '12:piece layers',
]
  .concat(
    'd0:d',
    'li1ee',
    'de',
    'le',
    'i-0e',
    'i99999999999999999999e',
    '4:attr1:x',
    '2:..',
    '0:',
    'dddddddd',
  )
  .map((word) => Buffer.from(word));

/** What is decoded strictly has exactly one encoding: the input. */
const bencode: FuzzTarget = {
  name: 'bencode',
  seeds: SEEDS,
  words: WORDS,
  reshape: reshapeBencode,
  run: (input) => {
    if (!encodeBencode(decodeBencode(input)).equals(input)) throw new Broken('it is encoded otherwise');
  },
};

/** The scan finds the same bytes as the decoder, wherever both accept the input. */
const scan: FuzzTarget = {
  name: 'bencode-scan',
  seeds: SEEDS,
  words: WORDS,
  reshape: reshapeBencode,
  run: (input) => {
    const found = runSteps(scanFor(input, 'info'));
    const value = decodeBencode(input);
    const expected =
      value instanceof BencodeDict && value.get('info') !== undefined ? value.raw('info') : undefined;
    const actual = found && input.subarray(found.start, found.end);
    if (expected ? !actual?.equals(expected) : actual)
      throw new Broken('it finds other bytes than the decoder');
  },
};

/** Metainfo of strangers, and what the canonical form of it says. */
const metainfo: FuzzTarget = {
  name: 'metainfo',
  seeds: SEEDS,
  words: WORDS,
  reshape: reshapeBencode,
  run: (input) => {
    const { bytes, ...facts } = parseMetainfo(input);
    const { bytes: again, ...sameFacts } = parseMetainfo(bytes);
    if (!again.equals(bytes)) throw new Broken('the canonical form has another canonical form');
    mustEqual('the facts of the canonical form', sameFacts, facts);
  },
};

/** A file that a person gives: piece layers may be missing. */
const torrent: FuzzTarget = {
  name: 'torrent',
  seeds: SEEDS,
  words: WORDS,
  reshape: reshapeBencode,
  run: (input) => {
    const { info, metainfo: whole, missing } = parseTorrent(input);
    if ((whole === undefined) === (missing === undefined))
      throw new Broken('it is neither whole nor lacks a layer');
    if (whole && whole.infohash !== info.infohash) throw new Broken('it has two infohashes');
  },
};

const HASH = 'ab'.repeat(32);
const magnet: FuzzTarget = {
  name: 'magnet',
  seeds: [
    `magnet:?xt=urn:btmh:1220${HASH}&dn=model.bin`,
    `magnet:?xt=urn:btih:${HASH}&xt.1=urn:btmh:1220${HASH}`,
  ].map((link) => Buffer.from(link)),
  words: ['%00', '%2e%2e%2f', '&dn=', 'xt.1=', '%', '%e2%80%ae'].map((word) => Buffer.from(word)),
  run: (input) => {
    const { infohash, name } = parseMagnet(input.toString());
    mustEqual('the link of a link', parseMagnet(formatMagnet(infohash, name)), { infohash, name });
  },
};

export const METAINFO_TARGETS: readonly FuzzTarget[] = [bencode, scan, metainfo, torrent, magnet];
