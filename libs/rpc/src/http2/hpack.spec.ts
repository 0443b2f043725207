import { PLAINTEXT } from '../credentials.js';
import { once } from 'node:events';
import { createServer, type Http2Server, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Http2Connection } from './connection.js';
import { Http2Violation } from './frames.js';
import { decodeHeaders, encodeHeaders } from './hpack.js';
import { decodeHuffman } from './huffman.js';

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,40}$/);
/** Valid header values, one byte per character. */
const value = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
});
const fields = fc.array(fc.tuple(name, value), { maxLength: 20 });

describe('header blocks', () => {
  it('are decoded to the encoded fields', () => {
    fc.assert(
      fc.property(fields, (written) => {
        expect([...decodeHeaders(encodeHeaders(written))]).toEqual([...new Map(written)]);
      }),
    );
  });

  it('of the examples in RFC 7541 are decoded: Huffman, a name of the static table, a whole field of it', () => {
    // C.4.1, without the table that the RFC's example fills.
    const block = Buffer.from('828684418cf1e3c2e5f23a6ba0ab90f4ff', 'hex');
    expect([...decodeHeaders(block)]).toEqual([
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'www.example.com'],
    ]);
    expect(decodeHuffman(Buffer.from('9d29ad171863c78f0b97c8e9ae82ae43d3', 'hex'))).toBe(
      'https://www.example.com',
    );
  });

  it.each([
    ['a field that is in no table', '80', 'in no table'],
    ['a field of a table larger than allowed', 'be', 'in no table'],
    ['a larger table than we have room for', '3e', 'larger than allowed'],
    ['a text that ends too early', '0005616263', 'ends too early'],
    ['a number that is too large', '00ffffffffff0f', 'too large'],
    ['the sign for the end within a text', '00016184ffffffff', 'does not exist'],
    ['padding of zeros', '0001618100', 'does not exist'],
  ])('with %s are refused', (_what, hex, message) => {
    expect(() => decodeHeaders(Buffer.from(hex, 'hex'))).toThrow(message);
  });

  it('of random bytes are either decoded or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeHeaders(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(Http2Violation);
        }
      }),
    );
  });
});

describe('header blocks of another implementation', () => {
  let server: Http2Server;
  let answer: Record<string, string> = {};
  let asked: IncomingHttpHeaders = {};

  beforeAll(async () => {
    server = createServer();
    server.on('stream', (stream, headers) => {
      asked = headers;
      stream.respond({ ':status': 200, ...answer }, { endStream: true, sendDate: false } as never);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterAll(() => {
    server.close();
  });

  /** Sends headers in both directions. */
  function exchange(
    connection: Http2Connection,
    said: [string, string][],
  ): Promise<ReadonlyMap<string, string>> {
    return new Promise((resolve, reject) => {
      let got: ReadonlyMap<string, string> = new Map();
      connection.request(said, {
        headers: (received) => (got = received),
        data: () => undefined,
        closed: (end) => {
          if (end === undefined) resolve(got);
          else reject(new Error(end.reason));
        },
      });
    });
  }

  it('are equivalent in both directions, for every byte allowed in a header', async () => {
    const connection = new Http2Connection(
      `127.0.0.1:${(server.address() as AddressInfo).port}`,
      'agent',
      PLAINTEXT,
    );
    const trimmed = fields.map((all) =>
      all.map(([key, text]): [string, string] => [`x-${key}`, text.trim()]),
    );
    await fc.assert(
      fc.asyncProperty(trimmed, async (both) => {
        answer = Object.fromEntries(both);
        const got = await exchange(connection, [
          [':method', 'GET'],
          [':scheme', 'http'],
          [':path', '/'],
          [':authority', 'a'],
          ...Object.entries(answer),
        ]);
        const received = new Map(got);
        received.delete('date');
        expect(Object.fromEntries(received)).toEqual({ ':status': '200', ...answer });
        expect(asked).toMatchObject(answer);
      }),
      { numRuns: 60 },
    );
    connection.close();
  });
});
