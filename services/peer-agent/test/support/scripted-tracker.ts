import { Server, type ServerDuplexStream, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { DECRYPTED } from '@enjambre/rpc/credentials';
import { verifyHello } from '@enjambre/common/identity/identity';
import { newer } from '@enjambre/harness/newer';
import {
  TrackerServiceService,
  type ConnectRequest,
  type ConnectResponse,
  type ListFilesRequest,
  type ListFilesResponse,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';

type Answer = NonNullable<ConnectResponse['message']>;
type Said = NonNullable<ConnectRequest['message']>;

/** One session of an agent, as the tracker sees it. */
export class TrackerVisit {
  readonly said: Said[] = [];
  readonly atMs = performance.now();
  /** The agent's peer id, if its hello was signed correctly. */
  peerId: string | undefined;
  /** True once the agent has ended the session cleanly. */
  ended = false;

  constructor(readonly call: ServerDuplexStream<ConnectRequest, ConnectResponse>) {}

  tell(...messages: Answer[]): void {
    for (const message of messages) this.call.write({ message });
  }
}

export interface TrackerScript {
  /** Replaces the challenge. */
  connected?(visit: TrackerVisit): void;
  /** Replaces the welcome. */
  greeted?(visit: TrackerVisit): void;
  /** Called for each message, including the hello. */
  said?(message: Said): void;
  /** Its messages have fields unknown to this version. @default false */
  readonly newer?: boolean;
  listFiles?(request: ListFilesRequest): ListFilesResponse | { code: number; details: string } | undefined;
}

const NONCE = Buffer.alloc(32, 7);

/** A scripted tracker: greets, and otherwise follows its script. */
export class ScriptedTracker {
  readonly visits: TrackerVisit[] = [];
  #server = new Server();
  #port = 0;

  constructor(private readonly script: TrackerScript = {}) {}

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get last(): TrackerVisit | undefined {
    return this.visits.at(-1);
  }

  /** Starts, on the same port as before if it ran already. */
  async start(): Promise<this> {
    this.#server = new Server();
    this.#server.addService(this.script.newer ? newer(TrackerServiceService) : TrackerServiceService, {
      connect: (call: ServerDuplexStream<ConnectRequest, ConnectResponse>) => this.#connect(call),
      listFiles: (
        call: ServerUnaryCall<ListFilesRequest, ListFilesResponse>,
        callback: sendUnaryData<ListFilesResponse>,
      ) => {
        const answer = this.script.listFiles?.(call.request);
        if (answer && 'files' in answer) callback(null, answer);
        else if (answer) callback(answer);
      },
    });
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(this.address, DECRYPTED, (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
    return this;
  }

  /** Ends like a killed process. */
  kill(): void {
    this.#server.forceShutdown();
  }

  #connect(call: ServerDuplexStream<ConnectRequest, ConnectResponse>): void {
    const visit = new TrackerVisit(call);
    this.visits.push(visit);
    call.on('error', () => undefined);
    call.on('end', () => {
      visit.ended = true;
      call.end();
    });
    call.on('data', ({ message }: ConnectRequest) => {
      if (!message) return;
      visit.said.push(message);
      this.script.said?.(message);
      if (message.$case !== 'hello') return;
      const { publicKey, signature } = message.value;
      visit.peerId = verifyHello('tracker', NONCE, publicKey, signature);
      if (this.script.greeted) this.script.greeted(visit);
      else visit.tell(welcome());
    });
    if (this.script.connected) this.script.connected(visit);
    else visit.tell({ $case: 'challenge', value: { nonce: NONCE } });
  }
}

function welcome(): Answer {
  const value = {
    peerId: Buffer.alloc(32),
    endpoint: '10.0.0.7:7072',
    endpoints: [],
    unreachable: false,
    refusedEndpoints: [],
    name: '',
    version: 'test',
    time: new Date(),
  };
  return { $case: 'welcome', value };
}
