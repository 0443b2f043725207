import { PeerIdentity } from '@enjambre/common/identity/identity';
import {
  encodePublication,
  parsePublication,
  signPublication,
} from '@enjambre/common/identity/publication-record';
import { messageOf } from '@enjambre/core/error';
import { parseInfoHash } from '@enjambre/core/ids';
import {
  FetchRequest,
  FetchResponse,
  RejectReason,
  SyncResponse,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { FetchReader } from '@enjambre/rpc/codec/fetch-reader';
import { MessageReader } from '@enjambre/rpc/codec/message-reader';
import { Broken, isInvalid, mustEqual, type FuzzTarget } from '../target.js';

const MAX_BYTES = 1 << 20;

function prefixed(...messages: readonly Uint8Array[]): Buffer {
  const parts = messages.flatMap((message) => {
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    return [prefix, message];
  });
  return Buffer.concat(parts);
}

function response(message: FetchResponse['message']): Uint8Array {
  return FetchResponse.encode({ message }).finish();
}

const BLOCKS = [
  response({
    $case: 'block',
    value: { id: 1, piece: 2, begin: 16_384, data: Buffer.alloc(100, 3), left: 0 },
  }),
  response({
    $case: 'block',
    value: { id: 300, piece: 70_000, begin: 0, data: Buffer.alloc(64, 7), left: 16_384 },
  }),
  response({ $case: 'reject', value: { id: 5, reason: RejectReason.CHOKED } }),
];

/** A fault of the bytes: the readers' own error, or one of the generated decoder. */
function isUnreadable(error: unknown): boolean {
  return (
    isInvalid(error) || (error instanceof Error && !(error instanceof Broken) && error.name !== 'TypeError')
  );
}

/** The fast reader and the generated decoder read the same, whatever the chunks. */
const fetchReader: FuzzTarget = {
  name: 'fetch-reader',
  seeds: [prefixed(...BLOCKS), ...BLOCKS.map((block) => prefixed(block))],
  words: [
    Buffer.from([0, 0, 0, 0, 1]),
    Buffer.from([0x0a]),
    Buffer.from([0x22, 0x64]),
    Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]),
  ],
  refuses: isUnreadable,
  run: (input) => {
    const whole = readBlocks([input]);
    mustEqual('messages in two chunks', readBlocks(halves(input)).read, whole.read);
    mustEqual('messages of the generated decoder', readPlainly(input), whole.read);
    if (whole.fault) throw whole.fault;
  },
};

interface Read {
  readonly read: unknown[];
  readonly fault: Error | undefined;
}

function readBlocks(chunks: readonly Buffer[]): Read {
  const read: unknown[] = [];
  const message = (received: FetchResponse): void => {
    read.push(plain(received));
  };
  const reader = new FetchReader({ maxBytes: MAX_BYTES, memoryFor: (bytes) => Buffer.alloc(bytes), message });
  return { read, fault: faultOf(() => chunks.forEach((chunk) => reader.push(chunk))) };
}

function readPlainly(input: Buffer): unknown[] {
  const read: unknown[] = [];
  const message = (bytes: Buffer): void => {
    read.push(plain(FetchResponse.decode(bytes)));
  };
  const reader = new MessageReader({ maxBytes: MAX_BYTES, message });
  faultOf(() => reader.push(input));
  return read;
}

/** A block by its bytes: the two readers hold them in other kinds of memory. */
function plain({ message }: FetchResponse): unknown {
  if (message?.$case !== 'block') return message;
  const { data, ...rest } = message.value;
  return { ...rest, data: Buffer.from(data).toString('latin1') };
}

/** Messages of Sync and requests of Fetch, as both ends read them. */
const messages: FuzzTarget = {
  name: 'peer-messages',
  seeds: [
    SyncResponse.encode({ message: { $case: 'have', value: { pieces: [1, 200, 70_000] } } }).finish(),
    SyncResponse.encode({
      message: { $case: 'goodbye', value: { reason: 'BAD_PIECE', message: 'x', piece: 7 } },
    }).finish(),
    SyncResponse.encode({ message: { $case: 'bitfield', value: { bits: Buffer.alloc(20, 255) } } }).finish(),
    FetchRequest.encode({
      message: { $case: 'request', value: { id: 1, piece: 2, begin: 3, length: 4 } },
    }).finish(),
    FetchRequest.encode({ message: { $case: 'pace', value: { bytesPerSecond: 2n ** 60n } } }).finish(),
  ].map((bytes) => Buffer.from(bytes)),
  refuses: isUnreadable,
  run: (input) => {
    const sync = decoded(SyncResponse, input);
    const fetch = decoded(FetchRequest, input);
    if (sync instanceof Error && fetch instanceof Error) throw sync;
  },
};

interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

function decoded<Message>(codec: Codec<Message>, input: Buffer): unknown {
  let message: Message;
  try {
    message = codec.decode(input);
  } catch (error) {
    return error;
  }
  const again = Buffer.from(codec.encode(message).finish());
  if (!again.equals(codec.encode(codec.decode(again)).finish()))
    throw new Broken('a message changed by encoding it');
  return message;
}

function halves(input: Buffer): Buffer[] {
  return [input.subarray(0, input.length >> 1), input.subarray(input.length >> 1)];
}

function faultOf(work: () => void): Error | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Broken(messageOf(error));
  }
}

const SIGNATURE_BYTES = 64;

/** What a publisher has signed: it has one encoding, so that nobody can change it and keep the signature. */
const publication: FuzzTarget = {
  name: 'publication',
  seeds: ['model.bin', 'ñ'].map((name) =>
    signPublication(PeerIdentity.generate(), {
      infohash: parseInfoHash('ab'.repeat(32)),
      name,
      version: 3,
      at: 1_700_000_000_000,
      publisherName: 'alice',
    }),
  ),
  run: (input) => {
    const { verify, publisherId, ...facts } = parsePublication(input);
    const body = input.subarray(0, -SIGNATURE_BYTES);
    mustEqual(
      'its encoding',
      encodePublication(body.subarray(1, 33), facts).toString('hex'),
      body.toString('hex'),
    );
    verify();
    mustEqual('the id of its publisher', publisherId.length, 64);
  },
};

export const CODEC_TARGETS: readonly FuzzTarget[] = [fetchReader, messages, publication];
