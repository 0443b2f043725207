import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, type Metadata, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { DECRYPTED } from '@enjambre/rpc/credentials';
import { EnjambreError } from '@enjambre/core/error';
import { newer } from '@enjambre/harness/newer';
import { toServiceError } from '@enjambre/rpc/status';
import {
  AgentServiceService,
  GetInfoResponse,
  Transfer,
  TransferState,
  type DownloadRequest,
  type DownloadResponse,
  type Explanation,
  type LiftBanResponse,
  type ListBansResponse,
  type ListFilesResponse,
  type ListPeersResponse,
  type RemoveTransferRequest,
  type RemoveTransferResponse,
  type SetLimitsRequest,
  type SetLimitsResponse,
  type ShareRequest,
  type ShareResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';

export const INFOHASH = '5d41402abc4b2a76b9719d911017c5920123456789abcdef0123456789abcdef';

/** A transfer as an agent would report it, complete and seeding unless `fields` say otherwise. */
export function transferOf(fields: Partial<Transfer> = {}): Transfer {
  return {
    ...Transfer.fromPartial({}),
    infohash: INFOHASH,
    name: 'model.bin',
    state: TransferState.SEEDING,
    path: '/data/downloads/model.bin',
    sizeBytes: 1_000_000n,
    doneBytes: 1_000_000n,
    pieceCount: 4,
    donePieceCount: 4,
    pieceLength: 262_144n,
    fileCount: 1,
    downloadedBytes: 1_000_000n,
    activeTime: { seconds: 2n, nanos: 500_000_000 },
    ...fields,
  };
}

/** Answers of the fake; a thrown EnjambreError is sent as the real agent would. */
export interface Script {
  /** Its answers contain fields and values that this version does not know. @default false */
  newer?: boolean;
  transfers?: () => Transfer[];
  transfer?: (ref: string) => Transfer;
  explain?: (ref: string) => Explanation;
  download?: (request: DownloadRequest) => DownloadResponse | Promise<DownloadResponse>;
  share?: (request: ShareRequest, ended: AbortSignal) => AsyncIterable<ShareResponse>;
  watch?: (ref: string, ended: AbortSignal) => AsyncIterable<Transfer>;
  change?: (what: string, ref: string) => Transfer;
  remove?: (request: RemoveTransferRequest) => RemoveTransferResponse;
  limit?: (request: SetLimitsRequest) => SetLimitsResponse;
  files?: (query: string, pageToken: string) => ListFilesResponse;
  peers?: (ref: string, pageToken: string) => ListPeersResponse;
  bans?: (pageToken: string) => ListBansResponse;
  liftBan?: (peer: string) => LiftBanResponse;
}

/** An AgentService over a real socket with canned answers. */
export class FakeAgent {
  readonly script: Script;
  /** Metadata of the last call. */
  metadata: Metadata | undefined;
  #server: Server | undefined;

  private constructor(
    readonly dataDir: string,
    script: Script,
  ) {
    this.script = script;
  }

  /** Listens on the socket in its own data folder. */
  static async start(script: Script = {}): Promise<FakeAgent> {
    const agent = new FakeAgent(await mkdtemp(join(tmpdir(), 'enjambre-cli-')), script);
    await agent.listen();
    return agent;
  }

  get address(): string {
    return `unix:${join(this.dataDir, 'agent.sock')}`;
  }

  /** Also listens at `target`, or again after {@link die}. Returns the port, if any. */
  async listen(target = this.address): Promise<number> {
    const server = this.#server ?? new Server();
    if (!this.#server)
      server.addService(
        this.script.newer ? newer(AgentServiceService) : AgentServiceService,
        this.#implementation(),
      );
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.bindAsync(target, DECRYPTED, (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
  }

  /** Ends all calls and connections, like a killed process. */
  die(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  async stop(): Promise<void> {
    this.die();
    await rm(this.dataDir, { recursive: true, force: true });
  }

  #implementation(): UntypedServiceImplementation {
    const { script } = this;
    const one = (answer: (request: never) => unknown) => (call: FakeCall, callback: Callback) => {
      this.metadata = call.metadata;
      Promise.resolve()
        .then(() => answer(call.request as never))
        .then(
          (response) => {
            callback(null, response);
          },
          (error: unknown) => {
            callback(toServiceError(error, 'enjambre.agent'), undefined);
          },
        );
    };
    const many =
      (answers: (request: never, ended: AbortSignal) => AsyncIterable<unknown>) => (call: FakeCall) => {
        const ended = new AbortController();
        call.on('cancelled', () => {
          ended.abort();
        });
        void (async () => {
          try {
            for await (const message of answers(call.request as never, ended.signal)) call.write(message);
            call.end();
          } catch (error) {
            call.emit('error', toServiceError(error, 'enjambre.agent'));
          }
        })();
      };
    const changed = (what: string) =>
      one(({ ref }: { ref: string }) => ({ transfer: (script.change ?? unscripted)(what, ref) }));
    const handlers = {
      getInfo: one(() => GetInfoResponse.fromPartial({ name: 'alice', maxUpload: 10_000_000n })),
      listTransfers: one(() => ({ transfers: (script.transfers ?? unscripted)() })),
      getTransfer: one(({ ref }: { ref: string }) => ({ transfer: (script.transfer ?? unscripted)(ref) })),
      explainTransfer: one(({ ref }: { ref: string }) => ({
        explanation: (script.explain ?? unscripted)(ref),
      })),
      download: one((request: DownloadRequest) => (script.download ?? unscripted)(request)),
      share: many((request: ShareRequest, ended) => (script.share ?? unscripted)(request, ended)),
      watchTransfer: many(async function* ({ ref }: { ref: string }, ended) {
        for await (const transfer of (script.watch ?? unscripted)(ref, ended)) yield { transfer };
      }),
      pauseTransfer: changed('pause'),
      resumeTransfer: changed('resume'),
      verifyTransfer: changed('verify'),
      removeTransfer: one((request: RemoveTransferRequest) => (script.remove ?? unscripted)(request)),
      setLimits: one((request: SetLimitsRequest) => (script.limit ?? unscripted)(request)),
      listFiles: one(({ query, pageToken }: { query: string; pageToken: string }) =>
        (script.files ?? unscripted)(query, pageToken),
      ),
      listPeers: one(({ ref, pageToken }: { ref: string; pageToken: string }) =>
        (script.peers ?? unscripted)(ref, pageToken),
      ),
      listBans: one(({ pageToken }: { pageToken: string }) => (script.bans ?? unscripted)(pageToken)),
      liftBan: one(({ peer }: { peer: string }) => (script.liftBan ?? unscripted)(peer)),
    };
    return handlers as unknown as UntypedServiceImplementation;
  }
}

interface FakeCall {
  readonly request: unknown;
  readonly metadata: Metadata;
  on(event: 'cancelled', listener: () => void): void;
  write(message: unknown): void;
  end(): void;
  emit(event: 'error', error: unknown): void;
}

type Callback = (error: Error | null, response: unknown) => void;

function unscripted(): never {
  throw new EnjambreError('internal', 'UNSCRIPTED', 'the test did not expect this call');
}
