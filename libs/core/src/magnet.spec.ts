import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { faultOf } from '../test/fault-of.js';
import { goodName } from '../test/torrents.js';
import { infoHashFromBytes } from './ids.js';
import { formatMagnet, parseMagnet } from './magnet.js';

const V2 = `urn:btmh:1220${'ab'.repeat(32)}`;
const V1 = `urn:btih:${'cd'.repeat(20)}`;

describe('a magnet link', () => {
  test('is parsed to what was formatted', () => {
    const infohash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(infoHashFromBytes);
    fc.assert(
      fc.property(infohash, fc.option(goodName, { nil: undefined }), (id, name) => {
        expect(parseMagnet(formatMagnet(id, name))).toEqual(
          name === undefined ? { infohash: id } : { infohash: id, name },
        );
      }),
    );
  });

  test.each([
    `magnet:?xt=${V2}`,
    `MAGNET:?xt=URN:BTMH:1220${'AB'.repeat(32)}`,
    `magnet:?xt=${V1}&xt=${V2}&tr=http://example.org&x.pe=1.2.3.4:5`,
    `magnet:?xt.1=${V1}&xt.2=${V2}`,
    `magnet:?xt=${encodeURIComponent(V2)}`,
    `magnet:?dn=%E0%A4%A&xt=${V2}&dn`,
  ])('is read from %s', (text) => {
    expect(parseMagnet(text).infohash).toBe('ab'.repeat(32));
  });

  test('has its name decoded, plus signs too', () => {
    expect(parseMagnet(`magnet:?xt=${V2}&dn=a+%C3%B1%20b`).name).toBe('a ñ b');
  });

  test.each(['', '..', 'a%2Fb', 'a%0Ab', '%E2%80%AEexe'])('has no name if its name is %j', (dn) => {
    expect(parseMagnet(`magnet:?xt=${V2}&dn=${dn}`)).toEqual({ infohash: 'ab'.repeat(32) });
  });

  test.each([
    ['', 'is not a magnet link'],
    ['http://example.org', 'is not a magnet link'],
    [`x magnet:?xt=${V2}`, 'is not a magnet link'],
    ['magnet:?', 'names no v2 torrent'],
    [`magnet:?xt=urn:btmh:1114${'ab'.repeat(32)}`, 'names no v2 torrent'],
    [`magnet:?xt=${V2}00`, 'names no v2 torrent'],
    [`magnet:?xt=${V1}`, 'only v2 links'],
  ])('is refused: %j %s', (text, fault) => {
    const error = faultOf(() => parseMagnet(text));
    expect(error).toMatchObject({ code: 'invalid', reason: 'BAD_MAGNET' });
    expect(error.message).toContain(fault);
  });

  test('of any text is parsed or refused with an EnjambreError', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(faultOf(() => parseMagnet(`magnet:?xt=${text}`)).reason).toBe('BAD_MAGNET');
      }),
    );
  });
});
