import { describe, expect, test } from '@jest/globals';
import { ReplicaMessage as ProtoMessage } from '@enjambre/proto/gen/enjambre/tracker/v1/replica';
import fc from 'fast-check';
import {
  decodeMessage,
  decodePart,
  encodeMessage,
  encodePart,
} from '../../src/adapters/nats/convert-replica.js';
import type { Reach } from '../../src/domain/peer.js';
import { batchesOf } from '../../src/domain/batches.js';
import type { Changes, MemberState, ReplicaMessage, SessionState } from '../../src/domain/replica-state.js';
import { sampleHash, samplePeer, sampleReach } from '../samples.js';

const HOST = { id: '0a'.repeat(16), addresses: () => ['10.0.0.1', 'fd99::1'] };
const ELSEWHERE = { id: '0b'.repeat(16), addresses: () => ['10.0.0.2'] };
const REPLICA = 'ab'.repeat(16);
const count = fc.maxSafeNat();
const time = fc.integer({ min: 0, max: 8.64e15 - 1 });
const word = (maxLength: number) =>
  fc
    .string({ unit: 'grapheme-composite', minLength: 1, maxLength })
    .filter((text) => text.length <= maxLength);
/** A key of that name is lost in every object, and so in decoded ones. */
const labelKey = word(63).filter((key) => key !== '__proto__');

const file = fc.record({
  name: fc.string({ unit: fc.constantFrom('a', 'ñ', '\u{1f41d}', '界'), minLength: 1, maxLength: 60 }),
  size: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  pieceLength: fc.constantFrom(16_384, 1 << 24),
  fileCount: fc.integer({ min: 1, max: 1_000_000 }),
});
const member: fc.Arbitrary<MemberState> = fc.record({
  infohash: fc.nat(1000).map(sampleHash),
  seeder: fc.boolean(),
  sharing: fc.boolean(),
  leftBytes: count,
  downloadedBytes: count,
  uploadedBytes: count,
  file: fc.option(file, { nil: undefined }),
  firstShare: fc.option(fc.record({ at: time, by: word(64) }), { nil: undefined }),
});
const session: fc.Arbitrary<SessionState> = fc
  .record({
    number: fc.nat(1000),
    name: fc.stringMatching(/^[a-zñ界]{1,64}$/),
    reach: fc.record({
      elsewhere: fc.array(word(260), { minLength: 1, maxLength: 16 }),
      ownHost: fc.array(word(260), { maxLength: 4 }),
      host: fc.oneof(fc.constant(''), fc.ipV4(), fc.ipV6()),
      ports: fc.constant([]),
    }),
    labels: fc.dictionary(labelKey, word(255), { maxKeys: 16 }),
    connectedAt: time,
    epoch: count,
    party: fc.constantFrom('', '10.0.0.7', 'fd99:0:0:0::/64'),
    members: fc.array(member, { maxLength: 20 }),
    left: fc.array(fc.nat(1000).map(sampleHash), { maxLength: 20 }),
  })
  .map(({ number, name, labels, reach, ...state }) => ({
    peer: { ...samplePeer(number, labels), name, reach },
    ...state,
  }));
const changes: fc.Arbitrary<Changes> = fc.record({
  ended: fc.array(fc.record({ peerId: fc.nat(1000).map((number) => samplePeer(number).id), epoch: count }), {
    maxLength: 5,
  }),
  sessions: fc.array(session, { maxLength: 5 }),
});

type Port = Reach['ports'][number];

const message = (what: Changes, sequence = 7): ReplicaMessage => ({
  type: 'changes',
  replica: REPLICA,
  sequence,
  changes: what,
});

describe('messages between trackers', () => {
  test('are decoded unchanged', () => {
    fc.assert(
      fc.property(changes, count, (what, sequence) => {
        expect(decodeMessage(encodeMessage(message(what, sequence), HOST), HOST)).toEqual(
          message(what, sequence),
        );
        const part = { sequence, part: 1, parts: 3, sessions: what.sessions };
        expect(decodePart(REPLICA, encodePart(REPLICA, part, HOST), HOST)).toEqual(part);
      }),
    );
  });

  test('are split into batches within the size limit, complete and in order', () => {
    const maxBytes = 20_000;
    fc.assert(
      fc.property(fc.array(changes, { minLength: 1, maxLength: 4 }), (several) => {
        const all = {
          ended: several.flatMap(({ ended }) => ended),
          sessions: several.flatMap(({ sessions }) => sessions),
        };
        const batches = [...batchesOf(all, maxBytes)];
        for (const batch of batches)
          expect(encodeMessage(message(batch), HOST).length).toBeLessThan(maxBytes + 200);
        expect(batches.flatMap(({ ended }) => ended)).toEqual(all.ended);
        const parts = batches.flatMap(({ sessions }) => sessions);
        expect(parts.flatMap(({ members }) => members)).toEqual(
          all.sessions.flatMap(({ members }) => members),
        );
        expect(parts.flatMap(({ left }) => left)).toEqual(all.sessions.flatMap(({ left }) => left));
        expect([...new Set(parts.map(({ peer }) => peer.id))]).toEqual([
          ...new Set(all.sessions.map(({ peer }) => peer.id)),
        ]);
      }),
    );
  });

  test('are refused if malformed, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        let decoded: ReplicaMessage | undefined;
        try {
          decoded = decodeMessage(bytes, HOST);
        } catch {
          return;
        }
        if (decoded) expect(decoded.replica).toMatch(/^[0-9a-f]{32}$/);
      }),
      { numRuns: 2000 },
    );
  });

  test('of a later version are ignored', () => {
    const later = ProtoMessage.encode({ replicaId: REPLICA, sequence: 1n, body: undefined }).finish();
    expect(decodeMessage(later, HOST)).toBeUndefined();
  });

  test.each([
    ['10.0.0.7:7072', { elsewhere: ['10.0.0.7:7072'], ownHost: [] }],
    ['127.0.0.1:7072', { elsewhere: [], ownHost: ['127.0.0.1:7072'] }],
    ['[::1]:7072', { elsewhere: [], ownHost: ['[::1]:7072'] }],
  ])('of a tracker that knows one endpoint only are read: %s', (endpoint, reach) => {
    const older = { ...state, peer: { ...peer, endpoint, reach: { ...sampleReach(), host: '' } } };
    const read = decodeMessage(encodeMessage(message({ ended: [], sessions: [older] }), HOST), HOST);
    expect(read).toMatchObject({ changes: { sessions: [{ peer: { endpoint, reach } }] } });
  });

  test.each([
    ['al\u200bice', 'alice'],
    ['alice (1a2b3c4d)', '00000001'],
    ['\u200b', '00000001'],
  ])('name a peer as agents of this version do: %j', (name, expected) => {
    const told = message({ ended: [], sessions: [{ ...state, peer: { ...samplePeer(1), name } }] });
    const read = decodeMessage(encodeMessage(told, HOST), HOST);
    expect(read).toMatchObject({ changes: { sessions: [{ peer: { name: expected } }] } });
  });

  test('keep a session without an endpoint as unreachable', () => {
    const reach = { ...sampleReach(), host: '' };
    const hidden = { ...state, peer: { ...peer, endpoint: '', reach } };
    const read = decodeMessage(encodeMessage(message({ ended: [], sessions: [hidden] }), HOST), HOST);
    expect(read).toMatchObject({ changes: { sessions: [{ peer: { endpoint: '', reach } }] } });
  });

  /** Decodes a session with this reach, sent by a tracker on {@link HOST}, at a tracker on `host`. */
  const readAt = (host: typeof HOST, beside: Partial<Reach>): Reach | undefined => {
    const reach = { elsewhere: [], ownHost: ['127.0.0.1:7072'], host: '', ports: [], ...beside };
    const told = message({ ended: [], sessions: [{ ...state, peer: { ...peer, reach } }] });
    const read = decodeMessage(encodeMessage(told, HOST), host);
    return read?.type === 'changes' ? read.changes.sessions[0]?.peer.reach : undefined;
  };
  const ports = [{ port: 7072, onlyIpv4: false }];

  test('of a tracker on the same host have the ports at which the tracker’s host is reached', () => {
    expect(readAt(HOST, { ports })).toMatchObject({ host: '', ownHost: ['127.0.0.1:7072'], ports });
  });

  test('of a tracker on another host have that host’s addresses, and are not of this host', () => {
    const read = readAt(ELSEWHERE, { ports, elsewhere: ['10.0.0.1:7072'] });
    expect(read).toMatchObject({ elsewhere: ['10.0.0.1:7072', '[fd99::1]:7072'], ports: [] });
    expect(read?.host).not.toBe('');
    const onlyIpv4 = readAt(ELSEWHERE, { ports: [{ port: 7072, onlyIpv4: true }] });
    expect(onlyIpv4?.elsewhere).toEqual(['10.0.0.1:7072']);
    expect(readAt(ELSEWHERE, {})).toMatchObject({ elsewhere: [], ports: [] });
  });

  test('of an older tracker, which does not send its host, have an unknown host', () => {
    const older = ProtoMessage.decode(encodeMessage(message({ ended: [], sessions: [state] }), HOST));
    if (older.body?.$case !== 'changes') throw new Error('not the changes');
    Object.assign(older.body.value.sessions[0]!, { host: '', hostId: '', ports: [] });
    const read = decodeMessage(ProtoMessage.encode(older).finish(), HOST);
    const reach = read?.type === 'changes' ? read.changes.sessions[0]?.peer.reach : undefined;
    expect(reach).toMatchObject({ elsewhere: peer.reach.elsewhere, ports: [] });
    expect(reach?.host).not.toBe('');
  });

  const peer = samplePeer(1);
  const state: SessionState = { peer, connectedAt: 0, epoch: 1, party: '10.0.0.7', members: [], left: [] };
  const member0 = {
    infohash: sampleHash(1),
    seeder: true,
    sharing: true,
    leftBytes: 0,
    downloadedBytes: 0,
    uploadedBytes: 0,
    file: undefined,
    firstShare: undefined,
  };
  const badFile = { name: '../x', size: 1, pieceLength: 16_384, fileCount: 1 };

  test.each<[string, Partial<SessionState>]>([
    ['a name that is too long', { peer: { ...peer, name: 'x'.repeat(65) } }],
    ['an endpoint that is too long', { peer: { ...peer, endpoint: 'x'.repeat(301) } }],
    ['one of several endpoints that is too long', { peer: { ...peer, reach: sampleReach('x'.repeat(301)) } }],
    [
      'too many endpoints',
      { peer: { ...peer, reach: sampleReach(...Array<string>(41).fill('10.0.0.1:1')) } },
    ],
    [
      'too many labels',
      { peer: { ...peer, labels: Object.fromEntries([...Array(17).keys()].map((key) => [`k${key}`, ''])) } },
    ],
    [
      'too many ports',
      {
        peer: {
          ...peer,
          reach: { ...sampleReach('a:1'), ports: Array<Port>(17).fill({ port: 1, onlyIpv4: true }) },
        },
      },
    ],
    [
      'an invalid port',
      { peer: { ...peer, reach: { ...sampleReach('a:1'), ports: [{ port: 65_536, onlyIpv4: true }] } } },
    ],
    ['an infohash that is none', { members: [{ ...member0, infohash: 'ab' as never }] }],
    ['a file that cannot be', { members: [{ ...member0, file: badFile }] }],
  ])('are refused with %s', (_, change) => {
    const bytes = encodeMessage(message({ ended: [], sessions: [{ ...state, ...change }] }), HOST);
    expect(() => decodeMessage(bytes, HOST)).toThrow();
  });

  test.each([
    ['of another tracker', 'cd'.repeat(16), { part: 0, parts: 1 }],
    ['beyond its own number', REPLICA, { part: 1, parts: 1 }],
    ['of none', REPLICA, { part: 0, parts: 0 }],
    ['of too many', REPLICA, { part: 0, parts: 5000 }],
  ])('that are a part %s of a snapshot are refused', (_, replica, numbers) => {
    const bytes = encodePart(replica, { sequence: 1, sessions: [], ...numbers }, HOST);
    expect(() => decodePart(REPLICA, bytes, HOST)).toThrow('malformed');
  });
});
