import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { ReceiverHello } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { boundHello } from './bound-hello.js';
import { checkHello, openHello, signedHello, type ServiceTerms } from './hello.js';
import { PeerIdentity } from './identity.js';

const alice = PeerIdentity.generate();
const FIELDS = ReceiverHello.create({
  publicKey: alice.publicKey,
  name: 'alice',
  version: '1.0.0',
  afterDeliveryId: 7n,
});
const overTls = (): ServiceTerms => ({ nonce: randomBytes(32), serverKey: randomBytes(32) });
const inPlaintext = (): ServiceTerms => ({ nonce: randomBytes(32), serverKey: undefined });

function helloFor(terms: ServiceTerms): ReceiverHello {
  return signedHello(FIELDS, ReceiverHello, { context: 'messaging', signer: alice, terms });
}

/** As a service does it, after the hello was on the wire. */
function accept(hello: ReceiverHello, terms: ServiceTerms, context = 'messaging' as const): unknown {
  const received = ReceiverHello.decode(ReceiverHello.encode(hello).finish());
  const opened = openHello(received, ReceiverHello, terms);
  return { ...checkHello(context, opened, terms), after: opened.afterDeliveryId };
}

const ACCEPTED = { id: alice.peerId, name: 'alice', after: 7n };
const refused = /the signature of the hello is refused/;

describe('a hello over TLS', () => {
  test('is accepted by the service for which it was signed', () => {
    const terms = overTls();
    expect(accept(helloFor(terms), terms)).toEqual(ACCEPTED);
  });

  test('is refused by any other: a service cannot present it there, although the challenge is the same', () => {
    const terms = overTls();
    expect(() => accept(helloFor(terms), { ...terms, serverKey: randomBytes(32) })).toThrow(refused);
    expect(() => accept(helloFor(terms), { ...terms, nonce: randomBytes(32) })).toThrow(refused);
    expect(() => accept(helloFor(terms), { ...terms, serverKey: undefined })).toThrow(refused);
  });

  test('is refused if a field was changed, and fields beside the signed ones do not count', () => {
    const terms = overTls();
    const hello = helloFor(terms);
    const changed = ReceiverHello.encode({ ...FIELDS, afterDeliveryId: 9n }).finish();
    expect(() => accept({ ...hello, signed: changed }, terms)).toThrow(refused);
    expect(accept({ ...hello, name: 'mallory', afterDeliveryId: 9n }, terms)).toEqual(ACCEPTED);
  });

  test('covers fields of later versions too', () => {
    const terms = overTls();
    const binding = { nonce: terms.nonce, server: terms.serverKey ?? randomBytes(32) };
    const later = { ...ReceiverHello };
    // Field 100, a varint.
    later.encode = (message) => {
      const writer = ReceiverHello.encode(message);
      writer.uint32(800).uint32(1);
      return writer;
    };
    const hello = boundHello(FIELDS, later, { context: 'messaging', signer: alice, binding });
    expect(accept(hello, terms)).toEqual(ACCEPTED);
    const known = ReceiverHello.encode(FIELDS).finish();
    expect(() => accept({ ...hello, signed: known }, terms)).toThrow(refused);
  });

  test('is refused if it does not cover its fields', () => {
    const terms = overTls();
    const first = helloFor({ ...terms, serverKey: undefined });
    expect(() => accept(first, terms)).toThrow(/over TLS .* update this program/);
  });

  test('with malformed fields has its own error', () => {
    const terms = overTls();
    const hello = { ...helloFor(terms), signed: Buffer.from([0xff]) };
    expect(() => accept(hello, terms)).toThrow('the hello is malformed: its signed fields cannot be decoded');
  });
});

describe('a hello in plaintext', () => {
  test('is of version 1, which earlier versions of a service read', () => {
    const terms = inPlaintext();
    const hello = helloFor(terms);
    expect(hello).toEqual({ ...FIELDS, signature: alice.signHello('messaging', terms.nonce) });
    expect(accept(hello, terms)).toEqual(ACCEPTED);
    expect(() => accept(hello, inPlaintext())).toThrow(refused);
  });
});
