import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { boundHello } from '@enjambre/common/identity/bound-hello';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { infoHashFromBytes, infoHashToBytes, peerIdToBytes } from '@enjambre/core/ids';
import { Hello } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { Serving } from '../../app/upload/serving.js';
import { helloBinding, helloTerms, readHello, type HelloTerms } from './hello.js';

const downloader = PeerIdentity.generate();
const terms: HelloTerms = { nonce: randomBytes(32), uploader: PeerIdentity.generate().peerId };
const infohash = infoHashFromBytes(randomBytes(32));
const serving = Object.create(Serving.prototype, {
  metainfo: { value: { name: 'llama.bin' } },
}) as Serving;
const directory = { find: () => serving, banReason: () => undefined, report: () => undefined };
const fields = Hello.create({
  infohash: infoHashToBytes(infohash),
  peerId: peerIdToBytes(downloader.peerId),
  name: 'bob',
  publicKey: downloader.publicKey,
  labels: { zone: 'eu-1', rack: 'r7' },
});

const read = (
  hello: Hello,
  { overTls = true, ...other }: Partial<HelloTerms> & { overTls?: boolean } = {},
): unknown =>
  readHello(
    Hello.decode(Hello.encode(hello).finish()),
    { ...terms, ...other, holder: overTls ? {} : undefined },
    directory,
  );
const second = (over: Partial<Hello> = {}): Hello =>
  boundHello({ ...fields, ...over }, Hello, {
    context: 'peer',
    signer: downloader,
    binding: helloBinding(terms),
  });
const first = (): Hello => ({
  ...fields,
  signature: downloader.signHello('peer', helloTerms(terms, infohash)),
});
const GREETING = { peerId: downloader.peerId, name: 'bob', labels: fields.labels, serving };

describe('the hello of a downloader', () => {
  test('is accepted in version 2, over TLS and in plaintext', () => {
    expect(read(second())).toEqual(GREETING);
    expect(read(second(), { overTls: false })).toEqual(GREETING);
  });

  test('is accepted in version 1 in plaintext, where earlier versions of the agent connect', () => {
    expect(read(first(), { overTls: false })).toEqual(GREETING);
    expect(() => read(first())).toThrow(/over TLS .* update this program/);
  });

  test('in version 2 counts nowhere else, and with no other field', () => {
    const refused = /the signature does not match/;
    expect(() => read(second(), { uploader: PeerIdentity.generate().peerId })).toThrow(refused);
    expect(() => read(second(), { nonce: randomBytes(32) })).toThrow(refused);
    const { signed } = second({ labels: { zone: 'us-2' } });
    expect(() => read({ ...second(), signed })).toThrow(refused);
    expect(read({ ...second(), labels: { zone: 'us-2' } })).toEqual(GREETING);
  });

  test('of one that may not get the file is answered as if it were not here', () => {
    const may = (pattern: string) => ({ may: [{ right: 'get', pattern }] as const });
    const asked = (pattern: string) => () =>
      readHello(second(), { ...terms, holder: may(pattern) }, directory);
    expect(asked('llama*')).not.toThrow();
    const none = { ...directory, find: () => undefined };
    const unknown = /this agent does not have that file/;
    expect(asked('other*')).toThrow(unknown);
    expect(() => readHello(second(), { ...terms, holder: {} }, none)).toThrow(unknown);
    const changed = { ...none, hasChanged: () => true };
    expect(() => readHello(second(), { ...terms, holder: {} }, changed)).toThrow(/has changed here/);
    expect(() => readHello(second(), { ...terms, holder: may('other*') }, changed)).toThrow(unknown);
  });
});
