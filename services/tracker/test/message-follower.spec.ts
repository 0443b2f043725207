import { EmbeddedEventBus } from '@enjambre/common/events/embedded-event-bus';
import { WHOLE, WITHOUT_TEXTS } from '@enjambre/common/events/event-view';
import { EventWatchers } from '@enjambre/common/events/event-watchers';
import { HandlerFactory } from '@enjambre/rpc/handlers';
import { GrpcServer } from '@enjambre/rpc/server';
import { createLogger } from '@enjambre/common/log/logger';
import type { Fact } from '@enjambre/common/events/event-bus';
import type { Address } from '@enjambre/common/config/address';
import {
  MessagingServiceService,
  type MessagingServiceServer,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { PLAINTEXT } from '@enjambre/rpc/credentials';
import type { Metadata } from '@grpc/grpc-js';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually, Harness } from './harness.js';
import { Watcher } from './watcher.js';

const log = createLogger({ name: 'test', level: 'silent' });
const OPERATOR = 'the-token-of-the-operator';
const isOperators = (metadata: Metadata): boolean =>
  metadata.get('authorization').includes(`Bearer ${OPERATOR}`);
const alice = { id: 'ab'.repeat(32), name: 'alice' };

type TcpAddress = Extract<Address, { kind: 'tcp' }>;

/** The single method of a messaging service that a tracker calls. */
class FakeMessaging {
  readonly bus = new EmbeddedEventBus({ source: 'messaging/m' });
  #server: GrpcServer | undefined;
  #watchers = new EventWatchers(this.bus, 'messaging service');
  address: TcpAddress = { kind: 'tcp', host: '127.0.0.1', port: 0 };

  async start(): Promise<void> {
    const watchers = (this.#watchers = new EventWatchers(this.bus, 'messaging service'));
    const handlers = new HandlerFactory({ domain: 'enjambre.messaging', log });
    const implementation = {
      watchEvents: handlers.serverStream(
        (request: Parameters<typeof watchers.watch>[0], { signal, metadata }) =>
          watchers.watch(request, { signal, view: isOperators(metadata) ? WHOLE : WITHOUT_TEXTS }),
      ),
    } as unknown as MessagingServiceServer;
    const name = 'enjambre.messaging.v1.MessagingService';
    const services = [{ name, definition: MessagingServiceService, implementation }];
    this.#server = new GrpcServer({ listen: this.address, credentials: PLAINTEXT, services, log });
    await this.#server.start();
    this.address = this.#server.address as TcpAddress;
  }

  say(text: string): void {
    this.bus.publish(messageSent(text));
  }

  async stop(): Promise<void> {
    this.#watchers.stop();
    await this.#server?.stop();
  }
}

function messageSent(preview: string): Fact {
  const sizeBytes = BigInt(preview.length);
  const value = {
    sender: alice,
    messageId: preview,
    target: 'all',
    targetName: 'everyone',
    preview,
    sizeBytes,
  };
  return { $case: 'messageSent', value };
}

describe('a tracker that follows a messaging service', () => {
  let messaging: FakeMessaging;
  let folder: string;
  let harness: Harness;
  let watcher: Watcher;
  const heard = (): unknown[] =>
    watcher.events.map(({ event }) => event?.$case === 'messageSent' && event.value.preview);

  beforeEach(async () => {
    messaging = new FakeMessaging();
    await messaging.start();
    folder = await mkdtemp(join(tmpdir(), 'enjambre-follower-'));
    const operatorTokenFile = join(folder, 'operator.token');
    await writeFile(operatorTokenFile, `${OPERATOR}\n`);
    harness = await Harness.start({}, { messaging: messaging.address, operatorTokenFile });
    watcher = await Watcher.start(harness.client(), {}, OPERATOR);
  });

  afterEach(async () => {
    await harness.stop();
    await messaging.stop();
    await rm(folder, { recursive: true });
  });

  test('shows texts to the operator only, to others who wrote to whom and how much', async () => {
    const strangers = [
      await Watcher.start(harness.client()),
      await Watcher.start(harness.client(), {}, 'not-the-operators-token'),
    ];
    messaging.say('secret');
    await watcher.kindsWhen(1);
    expect(heard()).toEqual(['secret']);
    for (const stranger of strangers) {
      await stranger.kindsWhen(1);
      expect(stranger.events[0]?.event?.value).toMatchObject({ sender: alice, preview: '', sizeBytes: 6n });
    }
  });

  test('passes message events to its watchers unchanged, and no other events', async () => {
    messaging.bus.publish({ $case: 'peerDisconnected', value: { peer: alice, message: 'a lie' } });
    messaging.say('x'.repeat(2000));
    messaging.say('one');
    await watcher.kindsWhen(1);
    expect(heard()).toEqual(['one']);
    expect(watcher.events[0]?.source).toBe('messaging/m');
  });

  test('receives events from a loss of connection once', async () => {
    messaging.say('one');
    await watcher.kindsWhen(1);
    await messaging.stop();
    messaging.say('two');
    await messaging.start();
    messaging.say('three');
    await watcher.kindsWhen(3);
    expect(heard()).toEqual(['one', 'two', 'three']);
  });

  test('starts and works without the messaging service', async () => {
    await messaging.stop();
    const alone = await Harness.start({}, { messaging: messaging.address });
    try {
      const other = await Watcher.start(alone.client());
      await alone.agent('alice');
      expect(await other.kindsWhen(1)).toEqual(['peerConnected']);
      await messaging.start();
      messaging.say('late');
      await eventually(() => other.kinds.includes('messageSent'));
    } finally {
      await alone.stop();
    }
  });
});
