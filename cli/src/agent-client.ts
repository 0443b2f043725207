import { Metadata, type ClientReadableStream } from '@grpc/grpc-js';
import { callUnary, connect, readStream } from '@enjambre/common/grpc/client';
import { EnjambreError } from '@enjambre/core/error';
import {
  AgentServiceClient,
  type DownloadRequest,
  type DownloadResponse,
  type GetInfoResponse,
  type ShareRequest,
  type ShareResponse,
  type Transfer,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { File, SwarmMember } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { resolveAgent, type AgentEndpoint } from './connection.js';
import type { Session } from './context.js';
import { allPages, PAGE_SIZE } from './pages.js';
import { agentStopped, explainAgentError } from './unreachable.js';

/** A .torrent has at most 10 MiB; the rest is for what stands around it. */
const MAX_MESSAGE_BYTES = 16 << 20;
/** Finding a file may take the agent a look-up and several peers. */
const DOWNLOAD_TIMEOUT_MS = 60_000;
const NANOS_PER_MS = 1_000_000;

type UnaryMethod<Request, Response> = Parameters<typeof callUnary<Request, Response>>[0];

/** Opens a client of the session's agent for `work` and closes it afterwards. */
export async function withAgent<T>(session: Session, work: (agent: AgentClient) => Promise<T>): Promise<T> {
  const { environment, cwd } = session.context;
  const agent = new AgentClient(await resolveAgent(session.connection, environment, cwd), session.signal);
  try {
    return await work(agent);
  } finally {
    agent.close();
  }
}

/** One agent, seen from its command line. Methods throw EnjambreError with a sentence for people. */
export class AgentClient {
  readonly #client: AgentServiceClient;
  readonly #address: string;
  readonly #metadata = new Metadata();
  readonly #signal: AbortSignal;

  constructor({ address, token }: AgentEndpoint, signal: AbortSignal) {
    this.#client = connect(AgentServiceClient, address, {
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    });
    this.#address = address;
    this.#signal = signal;
    if (token !== undefined) this.#metadata.set('authorization', `Bearer ${token}`);
  }

  close(): void {
    this.#client.close();
  }

  info(): Promise<GetInfoResponse> {
    return this.#call(this.#client.getInfo.bind(this.#client), {});
  }

  async transfers(): Promise<Transfer[]> {
    return (await this.#call(this.#client.listTransfers.bind(this.#client), {})).transfers;
  }

  async transfer(ref: string): Promise<Transfer> {
    return present((await this.#call(this.#client.getTransfer.bind(this.#client), { ref })).transfer);
  }

  download(request: DownloadRequest): Promise<DownloadResponse> {
    return this.#call(this.#client.download.bind(this.#client), request, DOWNLOAD_TIMEOUT_MS);
  }

  async pause(ref: string): Promise<Transfer> {
    return present((await this.#call(this.#client.pauseTransfer.bind(this.#client), { ref })).transfer);
  }

  async resume(ref: string): Promise<Transfer> {
    return present((await this.#call(this.#client.resumeTransfer.bind(this.#client), { ref })).transfer);
  }

  async verify(ref: string): Promise<Transfer> {
    return present((await this.#call(this.#client.verifyTransfer.bind(this.#client), { ref })).transfer);
  }

  async remove(ref: string, deleteData: boolean): Promise<Transfer> {
    return present(
      (await this.#call(this.#client.removeTransfer.bind(this.#client), { ref, deleteData })).transfer,
    );
  }

  /** All files that the agent's tracker knows and that match. */
  files(query: string): Promise<File[]> {
    return allPages(async (pageToken) => {
      const page = await this.#call(this.#client.listFiles.bind(this.#client), {
        query,
        pageSize: PAGE_SIZE,
        pageToken,
      });
      return { items: page.files, next: page.nextPageToken };
    });
  }

  /** The peers of a file, or all peers if `ref` is empty. */
  peers(ref: string): Promise<SwarmMember[]> {
    return allPages(async (pageToken) => {
      const page = await this.#call(this.#client.listPeers.bind(this.#client), {
        ref,
        pageSize: PAGE_SIZE,
        pageToken,
      });
      return { items: page.members, next: page.nextPageToken };
    });
  }

  /** Progress, and last the shared file. Leaving the loop stops the hashing. */
  share(request: ShareRequest): AsyncGenerator<ShareResponse, void, undefined> {
    return this.#read(() => this.#client.share(request, this.#metadata));
  }

  /** The transfer at each change of state and every `intervalMs`; ends when it is removed. */
  async *watch(ref: string, intervalMs: number): AsyncGenerator<Transfer, void, undefined> {
    const interval = {
      seconds: BigInt(Math.floor(intervalMs / 1000)),
      nanos: Math.round(intervalMs % 1000) * NANOS_PER_MS,
    };
    for await (const { transfer } of this.#read(() =>
      this.#client.watchTransfer({ ref, interval }, this.#metadata),
    )) {
      yield present(transfer);
    }
  }

  async *#read<Response>(
    open: () => ClientReadableStream<Response>,
  ): AsyncGenerator<Response, void, undefined> {
    try {
      yield* readStream(open(), this.#signal);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): EnjambreError {
    const ours = EnjambreError.from(error);
    // Cancelled, but not by us: the agent stopped, and its calls with it.
    if (ours.reason === 'CANCELLED' && !this.#signal.aborted) return agentStopped(this.#address);
    return explainAgentError(ours, this.#address);
  }

  async #call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    timeoutMs?: number,
  ): Promise<Response> {
    const options = {
      signal: this.#signal,
      metadata: this.#metadata,
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
    try {
      return await callUnary<Request, Response>(method, request, options);
    } catch (error) {
      throw this.#explain(error);
    }
  }
}

function present(transfer: Transfer | undefined): Transfer {
  if (transfer) return transfer;
  throw new EnjambreError(
    'internal',
    'BAD_ANSWER',
    'the agent answered without a transfer: update it or this command',
  );
}
