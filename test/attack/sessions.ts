import { PeerIdentity } from '@enjambre/common/identity/identity';
import {
  MessagingServiceService,
  ReceiveRequest,
  ReceiveResponse,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { PeerServiceService, SyncRequest, SyncResponse } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import {
  ConnectRequest,
  ConnectResponse,
  TrackerServiceService,
  type Hello,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { Targets } from './attack.js';
import type { RawCall } from './raw-call.js';
import type { RawConnection } from './raw-connection.js';
import type { Tally } from './tally.js';

type Message<Request extends { message?: unknown }> = NonNullable<Request['message']>;

/** A session with the tracker, after its welcome. */
export interface TrackerSession {
  readonly call: RawCall;
  readonly identity: PeerIdentity;
  say(message: Message<ConnectRequest>): void;
}

/** Opens a session with the tracker; undefined if it is refused. Problems count as refusals. */
export function connectTracker(
  connection: RawConnection,
  tally: Tally,
  hello: Partial<Hello> & { readonly identity?: PeerIdentity } = {},
): Promise<TrackerSession | undefined> {
  const { identity = PeerIdentity.generate(), ...wrong } = hello;
  const call = connection.call(TrackerServiceService.connect.path);
  let sequence = 0n;
  const say = (message: Message<ConnectRequest>): void => {
    sequence += 1n;
    call.send(ConnectRequest.encode(ConnectRequest.fromPartial({ sequence, message })).finish());
  };
  return new Promise((resolve) => {
    call.onEnd = () => {
      tally.release('sessions');
      resolve(undefined);
    };
    tally.hold('sessions asked');
    call.onMessage = (bytes) => {
      const { message } = ConnectResponse.decode(bytes);
      if (message?.$case === 'challenge') {
        const signature = identity.signHello('tracker', message.value.nonce);
        const basics = { publicKey: identity.publicKey, signature, name: 'mallory', version: 'hostile' };
        const rest = { endpoint: ':1', labels: {}, epoch: BigInt(Date.now()), endpoints: [] };
        say({ $case: 'hello', value: { ...basics, ...rest, ...wrong } });
      } else if (message?.$case === 'welcome') {
        tally.hold('sessions');
        // Absent from the answers of older trackers.
        if (message.value.refusedEndpoints.length > 0) tally.refused('Welcome refused_endpoints');
        resolve({ call, identity, say });
      } else if (message?.$case === 'problem') {
        tally.refused(`Problem ${message.value.reason}`);
        tally.fact('problems');
      }
    };
  });
}

/** A session with the messaging service, after its token. */
export interface MessagingSession {
  readonly call: RawCall;
  readonly identity: PeerIdentity;
  /** Header of unary calls. */
  readonly authorization: readonly [string, string];
}

/** Opens a session with the messaging service; undefined if it is refused. */
export function receiveMessages(
  connection: RawConnection,
  tally: Tally,
  name = 'mallory',
): Promise<MessagingSession | undefined> {
  const identity = PeerIdentity.generate();
  const call = connection.call(MessagingServiceService.receive.path);
  const say = (message: Message<ReceiveRequest>): void =>
    void call.send(ReceiveRequest.encode(ReceiveRequest.fromPartial({ message })).finish());
  return new Promise((resolve) => {
    call.onEnd = () => resolve(undefined);
    call.onMessage = (bytes) => {
      const { message } = ReceiveResponse.decode(bytes);
      if (message?.$case === 'challenge') {
        const signature = identity.signHello('messaging', message.value);
        const value = { publicKey: identity.publicKey, signature, name, afterDeliveryId: 0n, version: '' };
        say({ $case: 'hello', value });
      } else if (message?.$case === 'token') {
        tally.fact('contacts');
        resolve({ call, identity, authorization: ['authorization', `Bearer ${message.value}`] });
      } else if (message?.$case === 'delivery') tally.fact('deliveries');
    };
  });
}

/** Greets the seeder as a downloader without a piece; returns the session for Fetch, undefined if refused. */
export function greetSeeder(
  connection: RawConnection,
  { infohash, seederId }: Targets,
  { pieces, tally }: { readonly pieces: number; readonly tally: Tally },
): Promise<Uint8Array | undefined> {
  const identity = PeerIdentity.generate();
  const call = connection.call(PeerServiceService.sync.path);
  const say = (message: Message<SyncRequest>): void =>
    void call.send(SyncRequest.encode(SyncRequest.fromPartial({ message })).finish());
  const hash = Buffer.from(infohash, 'hex');
  return new Promise((resolve) => {
    call.onEnd = () => resolve(undefined);
    call.onMessage = (bytes) => {
      const { message } = SyncResponse.decode(bytes);
      if (message?.$case === 'challenge') {
        const terms = Buffer.concat([message.value.nonce, Buffer.from(seederId, 'hex'), hash]);
        const hello = {
          infohash: hash,
          peerId: Buffer.from(identity.peerId, 'hex'),
          ...{ name: 'mallory', version: 'hostile', takesParts: false, labels: {} },
          publicKey: identity.publicKey,
          signature: identity.signHello('peer', terms),
          session: Buffer.alloc(0),
        };
        say({ $case: 'hello', value: hello });
        say({ $case: 'bitfield', value: { bits: Buffer.alloc(Math.ceil(pieces / 8)) } });
      } else if (message?.$case === 'hello') {
        tally.fact('greeted');
        resolve(message.value.session);
      } else if (message?.$case === 'goodbye') tally.refused(`Goodbye ${message.value.reason}`);
      else if (message?.$case === 'choke') tally.fact('chokes');
    };
  });
}
