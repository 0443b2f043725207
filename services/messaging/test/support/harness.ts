import { callUnary } from '@enjambre/rpc/client';
import { dialer } from '@enjambre/harness/dialer';
import { createLogger } from '@enjambre/common/log/logger';
import { resolveOptions } from '@enjambre/common/config/options';
import { EnjambreError } from '@enjambre/core/error';
import {
  MessagingServiceClient,
  type SendRequest,
  type SendResponse,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { messagingOptions } from '../../src/config.js';
import { createMessaging, type Messaging, type MessagingOverrides } from '../../src/service.js';
import { Detour } from './detour.js';
import { TestPeer, type PeerOptions } from './test-peer.js';

/** A messaging service on a free port and its clients, stopped together. */
export class Harness {
  readonly #clients: MessagingServiceClient[] = [];
  readonly #detours: Detour[] = [];

  private constructor(readonly messaging: Messaging) {}

  static async start(
    overrides: MessagingOverrides = {},
    flags: Record<string, string> = {},
  ): Promise<Harness> {
    // All peers of most tests are at one address.
    const usual = { listen: '127.0.0.1:0', name: 'test', addressBudget: '100' };
    const config = resolveOptions(messagingOptions, { ...usual, ...flags }, {});
    const log = createLogger({ name: 'messaging', level: 'silent' });
    // By default without an operator: nothing is created in the home folder.
    const operatorTokenFile = flags['operatorTokenFile'];
    const messaging = createMessaging({ ...config, operatorTokenFile }, { log, ...overrides });
    await messaging.start();
    return new Harness(messaging);
  }

  get port(): number {
    return this.messaging.address.kind === 'tcp' ? this.messaging.address.port : 0;
  }

  /** A client on its own connection; `port` may be that of a {@link Detour}. */
  client(port = this.port): MessagingServiceClient {
    const client = dialer.client(MessagingServiceClient, `127.0.0.1:${port}`, 'messaging', {
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#clients.push(client);
    return client;
  }

  /** A stream before its hello. */
  stranger(options: PeerOptions = {}): TestPeer {
    return new TestPeer(this.client(), options);
  }

  /** A peer that has received its token. */
  async peer(name: string, options: PeerOptions = {}): Promise<TestPeer> {
    const peer = this.stranger(options);
    await peer.greet({ name });
    return peer;
  }

  /** Clients of this port come from another address, such as "127.0.0.66": they are another party. */
  async from(address: string): Promise<number> {
    const detour = await Detour.start(address, this.port);
    this.#detours.push(detour);
    return detour.port;
  }

  async stop(): Promise<void> {
    for (const detour of this.#detours) detour.stop();
    for (const client of this.#clients) client.close();
    await this.messaging.stop();
  }
}

let made = 0;

/** Sends a text; generates an id unless it is given. */
export function send(
  from: TestPeer,
  to: TestPeer | string | SendRequest['target'],
  text: string,
  id = `id-${(made += 1)}`,
): Promise<SendResponse> {
  const target =
    to instanceof TestPeer
      ? ({ target: { $case: 'peer', value: to.peerId } } as const)
      : typeof to === 'string'
        ? ({ target: { $case: 'peer', value: to } } as const)
        : to;
  return callUnary(from.client.send.bind(from.client), { id, target, text }, { metadata: from.metadata });
}

export const room = (name: string): SendRequest['target'] => ({ target: { $case: 'room', value: name } });
export const everyone: SendRequest['target'] = { target: { $case: 'everyone', value: true } };

/** The reason of a failed call; undefined if it succeeds. */
export async function reasonOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    return EnjambreError.from(error).reason;
  }
}
