import { dialer } from '@enjambre/harness/dialer';
import { fromServiceError } from '@enjambre/rpc/status';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { createLogger } from '@enjambre/common/log/logger';
import { waitFor, waitForChange } from '@enjambre/harness/wait-for';
import type { EnjambreError } from '@enjambre/core/error';
import {
  AnnounceEvent,
  TrackerServiceClient,
  TrackerServiceService,
  type ConnectRequest,
  type ConnectResponse,
  type FileSummary,
  type Hello,
  type PeerDelta,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { TrackerConfig } from '../src/config.js';
import { AllowedHosts } from '../src/domain/allowed-hosts.js';
import { createTracker, type Tracker, type TrackerOverrides } from '../src/service.js';

type Response = NonNullable<ConnectResponse['message']>;
type ValueOf<Case extends Response['$case']> = Extract<Response, { $case: Case }>['value'];

export const MODEL: FileSummary = {
  name: 'model.bin',
  sizeBytes: 1_000_000n,
  pieceLength: 16_384n,
  fileCount: 1,
};

/** 32 equal bytes. */
export function infohash(digit: number): Buffer {
  return Buffer.alloc(32, digit);
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Resolves when `condition` returns a value; polls every few milliseconds. */
export async function eventually<T>(condition: () => Promise<T | undefined> | T | undefined): Promise<T> {
  return waitFor(condition, { what: String(condition), everyMs: 5 });
}

/** A tracker on a free port and its clients, stopped together. */
export class Harness {
  readonly #clients: TrackerServiceClient[] = [];

  private constructor(readonly tracker: Tracker) {}

  static async start(
    overrides: TrackerOverrides = {},
    { port = 0, ...settings }: Partial<TrackerConfig> & { port?: number } = {},
  ): Promise<Harness> {
    const config = {
      listen: { kind: 'tcp', host: '127.0.0.1', port },
      allowEndpoints: new AllowedHosts(['10.0.0.0/8', 'fd00::/8']),
      name: 'test',
      nats: undefined,
      natsCa: undefined,
      natsCert: undefined,
      natsKey: undefined,
      natsCreds: undefined,
      natsReplicas: 'auto',
      messaging: undefined,
      eventMaxAge: 3_600_000,
      eventMaxBytes: 1_000_000,
      catalogueMaxBytes: 1_000_000,
      addressBudget: 100,
      operatorTokenFile: undefined,
      ca: undefined,
      tls: undefined,
      tlsCa: undefined,
      tlsCert: undefined,
      tlsKey: undefined,
      tlsMode: 'require',
      metricsTls: false,
      insecure: false,
      healthListen: undefined,
      metrics: undefined,
      logLevel: 'silent',
      logFormat: 'json',
      ...settings,
    } as const;
    const log = createLogger({ name: 'tracker', level: 'silent' });
    const tracker = createTracker(config, { log, ...overrides });
    await tracker.start();
    return new Harness(tracker);
  }

  get port(): number {
    return this.tracker.address.kind === 'tcp' ? this.tracker.address.port : 0;
  }

  /** A client on its own connection. */
  client(): TrackerServiceClient {
    const client = dialer.client(TrackerServiceClient, `127.0.0.1:${this.port}`, 'tracker', {
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#clients.push(client);
    return client;
  }

  /** A stream before its hello. */
  stranger(): TestAgent {
    return new TestAgent(this.client());
  }

  /** An agent after its welcome. */
  async agent(name: string, hello: Partial<Hello> = {}): Promise<TestAgent> {
    const agent = this.stranger();
    await agent.greet({ name, ...hello });
    return agent;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.tracker.stop();
  }
}

/** A scripted agent: sends the given messages and keeps those that it receives. */
export class TestAgent {
  identity = PeerIdentity.generate();
  readonly call: ClientDuplexStream<ConnectRequest | Buffer, ConnectResponse>;
  readonly heard: Response[] = [];
  /** Set when the stream has ended: with an error, or undefined for OK. */
  ended: { readonly error?: EnjambreError } | undefined;
  #sequence = 0n;
  #read = 0;
  #wake: (() => void)[] = [];

  constructor(
    readonly client: TrackerServiceClient,
    service = TrackerServiceService,
  ) {
    const { path, responseDeserialize, requestSerialize } = service.connect;
    const serialize = (message: ConnectRequest | Buffer): Buffer =>
      Buffer.isBuffer(message) ? message : requestSerialize(message);
    this.call = client.makeBidiStreamRequest(path, serialize, responseDeserialize);
    this.call.on('data', ({ message }: ConnectResponse) => {
      if (message) this.heard.push(message);
      this.#notify();
    });
    this.call.on('error', (error) => {
      this.ended = { error: fromServiceError(error) };
      this.#notify();
    });
    this.call.on('status', () => {
      this.ended ??= {};
      this.#notify();
    });
  }

  get peerId(): string {
    return this.identity.peerId;
  }

  say(message: ConnectRequest['message']): bigint {
    this.#sequence += 1n;
    this.call.write({ sequence: this.#sequence, message });
    return this.#sequence;
  }

  /** Sends raw bytes as a frame. */
  sayBytes(frame: Buffer): void {
    this.call.write(frame);
  }

  /** The next message of that kind; earlier ones of other kinds are skipped. */
  async next<Case extends Response['$case']>(kind: Case): Promise<ValueOf<Case>> {
    return this.#when<ValueOf<Case>>(() => {
      if (this.ended && this.#read >= this.heard.length)
        throw this.ended.error ?? new Error('the stream has ended');
      while (this.#read < this.heard.length) {
        const message = this.heard[this.#read];
        this.#read += 1;
        if (message?.$case === kind) return message.value as ValueOf<Case>;
      }
      return undefined;
    });
  }

  async hello(hello: Partial<Hello>): Promise<void> {
    const { nonce } = await this.next('challenge');
    const value: Hello = {
      publicKey: this.identity.publicKey,
      signature: this.identity.signHello('tracker', nonce),
      name: 'agent',
      endpoint: '10.0.0.7:7072',
      endpoints: [],
      labels: {},
      version: '0.1.0',
      epoch: 0n,
      ...hello,
    };
    this.say({ $case: 'hello', value });
  }

  async greet(hello: Partial<Hello> = {}): Promise<Extract<Response, { $case: 'welcome' }>['value']> {
    await this.hello(hello);
    return this.next('welcome');
  }

  share(hash: Uint8Array, file: FileSummary | undefined = MODEL, restated = false): bigint {
    return this.say({ $case: 'share', value: { infohash: hash, file, restated, publications: [] } });
  }

  announce(
    hash: Uint8Array,
    announce: Partial<Extract<ConnectRequest['message'], { $case: 'announce' }>['value']> = {},
  ): bigint {
    const value = {
      infohash: hash,
      event: AnnounceEvent.UNSPECIFIED,
      leftBytes: 1000n,
      downloadedBytes: 0n,
      uploadedBytes: 0n,
      file: MODEL,
      message: '',
      reason: '',
      publications: [],
    };
    return this.say({ $case: 'announce', value: { ...value, ...announce } });
  }

  watch(hash: Uint8Array, maxPeers = 0): bigint {
    return this.say({ $case: 'watch', value: { infohash: hash, maxPeers } });
  }

  /** Names of the peers of a swarm, with "*" after seeders, once `expected` accepts them. */
  async peersOf(hash: Uint8Array, expected: (names: string[]) => boolean): Promise<string[]> {
    return this.#when(() => {
      const names = this.#namesOf(hash);
      return expected(names) ? names : undefined;
    });
  }

  /** The error that ended the stream; undefined for OK. */
  async end(): Promise<EnjambreError | undefined> {
    return (await this.#when(() => this.ended)).error;
  }

  async #when<T>(condition: () => T | undefined): Promise<T> {
    return waitForChange(condition, () => new Promise((resolve) => this.#wake.push(resolve)), {
      what: String(condition),
      seen: () => ({ heard: this.heard, ended: this.ended }),
    });
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  #namesOf(hash: Uint8Array): string[] {
    const peers = new Map<string, string>();
    for (const message of this.heard) {
      if (message.$case !== 'peerDelta' || hex(message.value.infohash) !== hex(hash)) continue;
      applyDelta(peers, message.value);
    }
    return [...peers.values()].sort();
  }
}

function applyDelta(peers: Map<string, string>, { snapshot, upserted, removed }: PeerDelta): void {
  if (snapshot) peers.clear();
  for (const id of removed) peers.delete(hex(id));
  for (const peer of upserted) peers.set(hex(peer.id), `${peer.name}${peer.seeder ? '*' : ''}`);
}
