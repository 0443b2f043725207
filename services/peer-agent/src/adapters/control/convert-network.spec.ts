import { describe, expect, it } from '@jest/globals';
import {
  ListFilesResponse,
  ListPeersResponse,
  WatchEventsResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { File, Peer, SwarmMember } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import fc from 'fast-check';
import {
  catalogueFileFromWire,
  networkEventFromWire,
  networkMemberFromWire,
  networkPeerFromWire,
} from '../tracker/convert-network.js';
import { eventToWire, filesToWire, loneMemberToWire, memberToWire } from './convert-network.js';

const text = fc.string();
const number = fc.nat();
const count = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const time = fc.option(fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true }), {
  nil: undefined,
});

const file: fc.Arbitrary<File> = fc.record({
  infohash: text,
  name: text,
  sizeBytes: count,
  pieceLength: count,
  fileCount: number,
  seederCount: number,
  leecherCount: number,
  sharedAt: time,
  publisherName: text,
  disputed: fc.boolean(),
  publications: fc.array(
    fc.record({
      publisher: fc.option(fc.record({ id: text, name: text }), { nil: undefined }),
      version: fc.nat(),
      publishedAt: time,
      signed: fc.constant(new Uint8Array()),
    }),
    { maxLength: 2 },
  ),
  superseded: fc.boolean(),
});

const peer: fc.Arbitrary<Peer> = fc.record({
  id: text,
  name: text,
  endpoint: text,
  labels: fc.dictionary(text, text),
  version: text,
  connectedAt: time,
  seedingCount: number,
  leechingCount: number,
  endpoints: fc.array(text),
});

const member: fc.Arbitrary<SwarmMember> = fc.record({
  peer: fc.option(peer, { nil: undefined }),
  seeder: fc.boolean(),
  leftBytes: count,
  downloadedBytes: count,
  uploadedBytes: count,
});

describe('what the tracker says of the network', () => {
  it('reaches a client of the control API byte for byte: files', () => {
    fc.assert(
      fc.property(fc.array(file), text, (files, nextPageToken) => {
        const sent = filesToWire({ items: files.map(catalogueFileFromWire), nextPageToken });
        expect(encoded(ListFilesResponse, sent)).toBe(encoded(ListFilesResponse, { files, nextPageToken }));
      }),
    );
  });

  it('reaches it byte for byte: the peers of a file', () => {
    fc.assert(
      fc.property(fc.array(member), (members) => {
        const page = { nextPageToken: '', banned: {} };
        const sent = { ...page, members: members.map(networkMemberFromWire).map(memberToWire) };
        expect(encoded(ListPeersResponse, sent)).toBe(encoded(ListPeersResponse, { ...page, members }));
      }),
    );
  });

  it('reaches it byte for byte: all peers, each as a member without a file', () => {
    fc.assert(
      fc.property(peer, (one) => {
        const nothing = { seeder: false, leftBytes: 0n, downloadedBytes: 0n, uploadedBytes: 0n };
        expect(loneMemberToWire(networkPeerFromWire(one))).toEqual({ peer: one, ...nothing });
      }),
    );
  });

  it('reaches it byte for byte: events, also of a kind that this version does not know', () => {
    const about = fc.record({ peer: fc.record({ id: text, name: text }), message: text });
    const fact = about.map((value) => ({ $case: 'peerDisconnected' as const, value }));
    const event = fc.record({ id: text, time, source: text, event: fc.option(fact, { nil: undefined }) });
    fc.assert(
      fc.property(event, (one) => {
        const sent = eventToWire(networkEventFromWire(one));
        expect(encoded(WatchEventsResponse, sent)).toBe(encoded(WatchEventsResponse, { event: one }));
      }),
    );
  });
});

function encoded<Message>(
  type: { encode(message: Message): { finish(): Uint8Array } },
  message: Message,
): string {
  return Buffer.from(type.encode(message).finish()).toString('hex');
}
