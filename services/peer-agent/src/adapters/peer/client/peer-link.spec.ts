import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import { Bitfield } from '@enjambre/core/bitfield';
import { BLOCK_SIZE, PieceLayout } from '@enjambre/core/layout';
import { infoHashToBytes, peerIdToBytes } from '@enjambre/core/ids';
import {
  Hello,
  type FetchRequest,
  type FetchResponse,
  type SyncRequest,
  type SyncResponse,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { infoHash, peerNamed } from '../../../../test/support/ids.js';
import { bytesOf, metainfoOf } from '../../../../test/support/content.js';
import type { MessageStream, StreamListener } from '@enjambre/rpc/message-stream';
import type { SourceNews } from '../../../app/ports/peers.js';
import { HELLO_TIMEOUT_MS } from '../wire-constants.js';
import { GrpcPeerLink } from './peer-link.js';

const PIECES = 3;
const layout = new PieceLayout(metainfoOf(bytesOf(PIECES * BLOCK_SIZE), BLOCK_SIZE));
const infohash = infoHash('ab');
const uploader = peerNamed('uploader');

/** A stream that records its messages, with the listener of the link. */
class FakeStream<Request, Response> implements MessageStream<Request> {
  readonly said: Request[] = [];
  listener: StreamListener<Response> | undefined;
  /** Called when an address is dialed. */
  dial: (() => void) | undefined;

  readonly open = (listener: StreamListener<Response>, dialed?: () => void): this => {
    this.listener = listener;
    this.dial = dialed;
    return this;
  };

  write(message: Request): void {
    this.said.push(message);
  }

  end(): void {}

  cancel(): void {
    this.listener = undefined;
  }
}

let sync: FakeStream<SyncRequest, SyncResponse>;
let link: GrpcPeerLink;
let ended: number;
let news: SourceNews[];

function hear(...messages: NonNullable<SyncResponse['message']>[]): void {
  for (const message of messages) sync.listener?.message({ message });
}

function greet(...has: number[]): void {
  hear({ $case: 'challenge', value: { nonce: Buffer.alloc(32), peerId: peerIdToBytes(uploader) } });
  greetOnly(...has);
}

/** The uploader has sent its challenge, hello and this bitfield. */
function greetOnly(...has: number[]): void {
  const theirs = Bitfield.empty(PIECES);
  for (const piece of has) theirs.set(piece);
  hear(
    {
      $case: 'hello',
      value: Hello.fromPartial({ infohash: infoHashToBytes(infohash), peerId: peerIdToBytes(uploader) }),
    },
    { $case: 'bitfield', value: { bits: theirs.toBytes() } },
  );
}

/** The pieces announced to the uploader, message by message. */
function told(): readonly number[][] {
  return sync.said.flatMap(({ message }) => (message?.$case === 'have' ? [message.value.pieces] : []));
}

beforeEach(() => {
  sync = new FakeStream();
  ended = 0;
  news = [];
  link = new GrpcPeerLink(
    {
      openSync: sync.open,
      openFetch: new FakeStream<FetchRequest, FetchResponse>().open,
      self: { peerId: peerNamed('self'), name: 'self', version: 'test' },
      signer: {
        publicKey: Buffer.alloc(32),
        signHello: () => Buffer.alloc(64),
        signBound: () => Buffer.alloc(64),
      },
      tell: (one) => void news.push(one),
      ended: () => (ended += 1),
    },
    {
      peer: { peerId: uploader, name: 'uploader', endpoint: '127.0.0.1:1', seeder: true },
      infohash,
      layout,
      have: Bitfield.empty(PIECES),
    },
  );
});

afterEach(() => {
  link.close('STOPPING', 'the test is over');
  sync.listener?.ended(undefined);
});

describe('the pieces of a downloader', () => {
  it('are announced at once to an uploader that has all', () => {
    greet(0, 1, 2);
    link.have([1]);
    expect(told()).toEqual([[1]]);
  });

  it('wait while the uploader lacks pieces, and are announced when it has all', () => {
    greet(0);
    link.have([0]);
    hear({ $case: 'have', value: { pieces: [1] } });
    expect(told()).toEqual([]);
    hear({ $case: 'have', value: { pieces: [2] } });
    expect(told()).toEqual([[0]]);
    link.have([1]);
    expect(told()).toEqual([[0], [1]]);
  });

  it('are announced to an uploader that starts super-seeding', () => {
    greet(0);
    link.have([0]);
    hear({ $case: 'spread', value: { on: true } });
    expect(told()).toEqual([[0]]);
  });

  it('are announced before the goodbye', () => {
    greet(0);
    link.have([0, 1]);
    link.close('COMPLETE', 'the download is complete');
    expect(sync.said.slice(-2).map(({ message }) => message?.$case)).toEqual(['have', 'goodbye']);
    expect(told()).toEqual([[0, 1]]);
  });

  it('are announced to an uploader that has all as soon as it announces that', () => {
    hear({ $case: 'challenge', value: { nonce: Buffer.alloc(32), peerId: peerIdToBytes(uploader) } });
    link.have([0]);
    greetOnly(0, 1, 2);
    expect(told()).toEqual([[0]]);
  });

  it('are sent only in the bitfield if they were present before it', () => {
    link.have([0]);
    greet(0, 1, 2);
    expect(told()).toEqual([]);
  });
});

describe('a link that is closed', () => {
  it('is over when the peer has read the goodbye', () => {
    greet(0);
    link.close('COMPLETE', 'the download is complete');
    expect(ended).toBe(0);
    sync.listener?.ended(undefined);
    expect(ended).toBe(1);
  });

  it('is over soon if the peer has not answered yet', async () => {
    link.close('REPLACED', 'another peer is tried instead');
    await waitFor(() => ended > 0, { what: 'the end', everyMs: 2, timeoutMs: 1000 });
    expect(ended).toBe(1);
  });
});

it('the time for a hello starts again with each address that is dialed, and not before', () => {
  jest.useFakeTimers();
  try {
    jest.advanceTimersByTime(10 * HELLO_TIMEOUT_MS);
    expect(news).toEqual([]);
    sync.dial?.();
    jest.advanceTimersByTime(HELLO_TIMEOUT_MS - 1);
    sync.dial?.();
    jest.advanceTimersByTime(HELLO_TIMEOUT_MS - 1);
    expect(news).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(news).toMatchObject([{ type: 'source-left', error: { reason: 'NO_HELLO' } }]);
  } finally {
    jest.useRealTimers();
  }
});

describe('what a link reports', () => {
  const challenge = { nonce: Buffer.alloc(32), peerId: peerIdToBytes(uploader) };

  it('begins with the bitfield: a choke before that has no effect', () => {
    hear({ $case: 'challenge', value: challenge }, { $case: 'choke', value: {} });
    greetOnly(0);
    hear({ $case: 'choke', value: {} });
    expect(news.map(({ type }) => type)).toEqual(['source-joined', 'source-choked']);
  });

  it('ends with whether it had begun', () => {
    greet(0);
    link.close('COMPLETE', 'the download is complete');
    expect(news.at(-1)).toMatchObject({ type: 'source-left', joined: true, byUs: true });
  });

  it.each<[string, NonNullable<SyncResponse['message']>[]]>([
    [
      'is refused',
      [{ $case: 'goodbye', value: { reason: 'UNKNOWN_FILE', message: 'no', piece: undefined } }],
    ],
    [
      'gets a bad bitfield',
      [
        {
          $case: 'hello',
          value: Hello.fromPartial({
            infohash: infoHashToBytes(infohash),
            peerId: peerIdToBytes(uploader),
          }),
        },
        { $case: 'bitfield', value: { bits: new Uint8Array(0) } },
      ],
    ],
  ])('ends before it has begun if it %s', (_, messages) => {
    hear({ $case: 'challenge', value: challenge }, ...messages);
    expect(news).toMatchObject([{ type: 'source-left', joined: false, byUs: false }]);
  });
});
