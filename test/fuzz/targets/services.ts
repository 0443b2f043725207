import { AnnounceEvent, ConnectRequest, Hello } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { decodeHistoryToken, decodeRoomToken } from '../../../services/messaging/src/adapters/page-token.js';
import {
  decodeStored,
  encodeInbox,
  encodeOutbox,
} from '../../../services/messaging/src/adapters/jetstream/stored.js';
import {
  outgoing,
  sampleMessage,
  samplePeer as receiver,
} from '../../../services/messaging/test/support/samples.js';
import { toBanClaim, toOffer, toReport } from '../../../services/tracker/src/adapters/convert.js';
import {
  decodeMessage,
  decodePart,
  encodeMessage,
  encodePart,
} from '../../../services/tracker/src/adapters/nats/convert-replica.js';
import { decodeRecord, encodeRecord } from '../../../services/tracker/src/adapters/nats/stored-record.js';
import { decodePageToken, encodePageToken } from '../../../services/tracker/src/adapters/page-token.js';
import type { SessionState } from '../../../services/tracker/src/domain/replica-state.js';
import { MODEL, sampleHash, samplePeer } from '../../../services/tracker/test/samples.js';
import { reshapeJson } from '../reshape-json.js';
import { isInvalid, mustEqual, type FuzzTarget } from '../target.js';

const HOST = { id: '0'.repeat(32), addresses: () => ['10.0.0.9'] };
const REPLICA = 'a'.repeat(32);
const HASH = 'ab'.repeat(32);

/** A malformed message may be refused by any error that names a fault: it is logged and left out. */
function isFault(error: unknown): boolean {
  return (
    isInvalid(error) ||
    (error instanceof Error && !['TypeError', 'ReferenceError', 'Broken'].includes(error.name))
  );
}

const SESSION: SessionState = {
  peer: samplePeer(3, { zone: 'eu-1' }),
  connectedAt: 1_700_000_000_000,
  epoch: 7,
  party: '10.0.0.7',
  members: [
    {
      infohash: sampleHash(1),
      seeder: true,
      sharing: true,
      leftBytes: 0,
      downloadedBytes: 5,
      uploadedBytes: 6,
      file: MODEL,
      firstShare: { at: 1_700_000_000_000, by: 'peer-3' },
    },
  ],
  left: [sampleHash(2)],
};

/** What other trackers say on NATS. */
const replicas: FuzzTarget = {
  name: 'tracker-replicas',
  seeds: [
    encodeMessage(
      { replica: REPLICA, sequence: 1, type: 'heartbeat', name: 'a', holdings: { sessions: 1, members: 2 } },
      HOST,
    ),
    encodeMessage(
      {
        replica: REPLICA,
        sequence: 2,
        type: 'changes',
        changes: { ended: [{ peerId: SESSION.peer.id, epoch: 3 }], sessions: [SESSION] },
      },
      HOST,
    ),
    encodeMessage({ replica: REPLICA, sequence: 3, type: 'farewell' }, HOST),
    encodePart(REPLICA, { sequence: 4, part: 0, parts: 2, sessions: [SESSION] }, HOST),
  ].map((bytes) => Buffer.from(bytes)),
  refuses: isFault,
  run: (input) => {
    const faults: unknown[] = [];
    for (const read of [() => decodeMessage(input, HOST), () => decodePart(REPLICA, input, HOST)]) {
      try {
        read();
      } catch (error) {
        if (!isFault(error)) throw error;
        faults.push(error);
      }
    }
    if (faults.length === 2) throw faults[0];
  },
};

/** A record of the catalogue in NATS. */
const catalogue: FuzzTarget = {
  name: 'tracker-catalogue',
  seeds: [
    encodeRecord({ infohash: sampleHash(1), file: MODEL, firstShare: { at: 1_700_000_000_000, by: 'bob' } }),
    encodeRecord({ infohash: sampleHash(1), file: MODEL, firstShare: undefined }),
  ].map((text) => Buffer.from(text)),
  reshape: reshapeJson,
  refuses: isFault,
  run: (input) => {
    const record = decodeRecord(HASH, input);
    mustEqual('a record of its own encoding', decodeRecord(HASH, Buffer.from(encodeRecord(record))), record);
  },
};

const FACTS = { name: 'model.bin', sizeBytes: 1000n, pieceLength: 16_384n, fileCount: 1 };
const INFOHASH = Buffer.alloc(32, 5);
const NUMBERS = { leftBytes: 1n, downloadedBytes: 2n, uploadedBytes: 3n };

/** What an agent says to a tracker. */
const connect: FuzzTarget = {
  name: 'tracker-requests',
  seeds: (
    [
      { $case: 'share', value: { infohash: INFOHASH, file: FACTS, restated: false, publications: [] } },
      {
        $case: 'announce',
        value: {
          infohash: INFOHASH,
          event: AnnounceEvent.STARTED,
          ...NUMBERS,
          file: FACTS,
          message: 'x',
          publications: [],
        },
      },
      { $case: 'ban', value: { peerId: INFOHASH, message: 'bad', infohash: INFOHASH } },
      { $case: 'watch', value: { infohash: INFOHASH, maxPeers: 50 } },
      {
        $case: 'hello',
        value: Hello.create({
          publicKey: INFOHASH,
          signature: Buffer.alloc(64),
          name: 'bob',
          labels: { zone: 'a' },
        }),
      },
    ] as NonNullable<ConnectRequest['message']>[]
  ).map((message) =>
    Buffer.from(ConnectRequest.encode(ConnectRequest.create({ sequence: 1n, message })).finish()),
  ),
  refuses: isFault,
  run: (input) => {
    const { message } = ConnectRequest.decode(input);
    if (message?.$case === 'share') toOffer(message.value);
    else if (message?.$case === 'announce') toReport(message.value);
    else if (message?.$case === 'ban') toBanClaim(message.value);
  },
};

const MESSAGE = sampleMessage(receiver(1), receiver(2));

/** A message in JetStream. */
const storedMessages: FuzzTarget = {
  name: 'stored-messages',
  seeds: [
    encodeOutbox(outgoing(MESSAGE)),
    encodeInbox(MESSAGE),
    encodeOutbox(
      outgoing(sampleMessage(receiver(1), receiver(2), { target: { kind: 'room', room: 'ops' } }), [
        receiver(2).id,
      ]),
    ),
    encodeInbox(sampleMessage(receiver(1), receiver(2), { target: { kind: 'everyone' } })),
  ].map((bytes) => Buffer.from(bytes)),
  refuses: isFault,
  run: (input) => {
    const stored = decodeStored(input);
    mustEqual('a message of its own encoding', decodeStored(encodeOutbox(stored)), stored);
  },
};

/** Page tokens of all listings. */
const tokens: FuzzTarget = {
  name: 'page-tokens',
  seeds: [
    encodePageToken({ name: 'model.bin', id: HASH }),
    Buffer.from('"ops"').toString('base64url'),
    Buffer.from('77').toString('base64url'),
  ].map((token) => Buffer.from(token)),
  run: (input) => {
    const token = input.toString('latin1');
    const faults: unknown[] = [];
    for (const decode of [decodePageToken, decodeRoomToken, decodeHistoryToken]) {
      try {
        decode(token);
      } catch (error) {
        if (!isInvalid(error)) throw error;
        faults.push(error);
      }
    }
    if (faults.length === 3) throw faults[0];
  },
};

export const SERVICE_TARGETS: readonly FuzzTarget[] = [replicas, catalogue, connect, storedMessages, tokens];
