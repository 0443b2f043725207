import { EnjambreError } from '@enjambre/core/error';
import {
  AgentServiceClient,
  type Ban,
  type DownloadRequest,
  type DownloadResponse,
  type Explanation,
  type GetInfoResponse,
  type ListContentsRequest,
  type ListContentsResponse,
  type RemoveTransferResponse,
  type SetLimitsRequest,
  type SetLimitsResponse,
  type ShareRequest,
  type ShareResponse,
  type Transfer,
  type WatchEventsRequest,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { File } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { channelOf, type AgentChannel } from './agent-channel.js';
import type { Session } from './context.js';
import { allPages, PAGE_SIZE } from './pages.js';
import type { KnownMember } from './render/json.js';

/** To find a file, the agent may need a lookup and several peers. */
const DOWNLOAD_TIMEOUT_MS = 60_000;
/** Files that have changed are hashed before they are deleted. */
const REMOVE_TIMEOUT_MS = 3_600_000;
const NANOS_PER_MS = 1_000_000;

/** Opens a client of the session's agent for `work` and closes it afterwards. */
export async function withAgent<T>(session: Session, work: (agent: AgentClient) => Promise<T>): Promise<T> {
  const agent = new AgentClient(await channelOf(session));
  try {
    return await work(agent);
  } finally {
    agent.close();
  }
}

/** The same for a stream: the client is closed when the stream is left. */
export async function* agentStream<T>(
  session: Session,
  open: (agent: AgentClient) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const agent = new AgentClient(await channelOf(session));
  try {
    yield* open(agent);
  } finally {
    agent.close();
  }
}

/** Client of one agent. Methods throw EnjambreError with a message for the user. */
export class AgentClient {
  readonly #channel: AgentChannel;
  readonly #client: AgentServiceClient;

  constructor(channel: AgentChannel) {
    this.#channel = channel;
    this.#client = channel.open(AgentServiceClient);
  }

  close(): void {
    this.#client.close();
  }

  info(timeoutMs?: number): Promise<GetInfoResponse> {
    return this.#channel.call(this.#client.getInfo.bind(this.#client), {}, timeoutMs);
  }

  async transfers(timeoutMs?: number): Promise<Transfer[]> {
    const call = this.#client.listTransfers.bind(this.#client);
    return (await this.#channel.call(call, {}, timeoutMs)).transfers;
  }

  async transfer(ref: string): Promise<Transfer> {
    return present((await this.#channel.call(this.#client.getTransfer.bind(this.#client), { ref })).transfer);
  }

  async explain(ref: string): Promise<Explanation> {
    const call = this.#client.explainTransfer.bind(this.#client);
    return present((await this.#channel.call(call, { ref })).explanation, 'explanation');
  }

  download(request: DownloadRequest): Promise<DownloadResponse> {
    return this.#channel.call(this.#client.download.bind(this.#client), request, DOWNLOAD_TIMEOUT_MS);
  }

  async pause(ref: string): Promise<Transfer> {
    return present(
      (await this.#channel.call(this.#client.pauseTransfer.bind(this.#client), { ref })).transfer,
    );
  }

  async resume(ref: string): Promise<Transfer> {
    return present(
      (await this.#channel.call(this.#client.resumeTransfer.bind(this.#client), { ref })).transfer,
    );
  }

  async verify(ref: string): Promise<Transfer> {
    return present(
      (await this.#channel.call(this.#client.verifyTransfer.bind(this.#client), { ref })).transfer,
    );
  }

  setLimits(request: SetLimitsRequest): Promise<SetLimitsResponse> {
    return this.#channel.call(this.#client.setLimits.bind(this.#client), request);
  }

  async remove(
    ref: string,
    { data: deleteData, force }: { readonly data: boolean; readonly force: boolean },
  ): Promise<Omit<RemoveTransferResponse, 'transfer'> & { readonly transfer: Transfer }> {
    const call = this.#client.removeTransfer.bind(this.#client);
    const removed = await this.#channel.call(call, { ref, deleteData, force }, REMOVE_TIMEOUT_MS);
    return { ...removed, transfer: present(removed.transfer) };
  }

  /** All matching files in the catalogue of the agent's tracker. */
  files(query: string): Promise<File[]> {
    return allPages(async (pageToken) => {
      const page = await this.#channel.call(this.#client.listFiles.bind(this.#client), {
        query,
        pageSize: PAGE_SIZE,
        pageToken,
      });
      return { items: page.files, next: page.nextPageToken };
    });
  }

  /** The peers of a file, or all peers if `ref` is empty. */
  peers(ref: string): Promise<KnownMember[]> {
    return allPages(async (pageToken) => {
      const page = await this.#channel.call(this.#client.listPeers.bind(this.#client), {
        ref,
        pageSize: PAGE_SIZE,
        pageToken,
      });
      const items = page.members.map((member) => ({
        ...member,
        banned: member.peer && page.banned[member.peer.id],
      }));
      return { items, next: page.nextPageToken };
    });
  }

  /** The bans of the agent, newest first. */
  bans(): Promise<Ban[]> {
    return allPages(async (pageToken) => {
      const call = this.#client.listBans.bind(this.#client);
      const page = await this.#channel.call(call, { pageSize: PAGE_SIZE, pageToken });
      return { items: page.bans, next: page.nextPageToken };
    });
  }

  async liftBan(peer: string): Promise<Ban> {
    const { ban } = await this.#channel.call(this.#client.liftBan.bind(this.#client), { peer });
    return present(ban, 'ban');
  }

  /** Events of the network, from the agent's tracker. */
  async *events(request: WatchEventsRequest): AsyncGenerator<Event, void, undefined> {
    for await (const { event } of this.#channel.read(() =>
      this.#client.watchEvents(request, this.#channel.metadata),
    )) {
      if (event) yield event;
    }
  }

  /** Shared content, then its files. */
  contents(request: ListContentsRequest): AsyncGenerator<ListContentsResponse, void, undefined> {
    return this.#channel.read(() => this.#client.listContents(request, this.#channel.metadata));
  }

  /** Progress messages, then the shared file. Leaving the loop stops the hashing. */
  share(request: ShareRequest): AsyncGenerator<ShareResponse, void, undefined> {
    return this.#channel.read(() => this.#client.share(request, this.#channel.metadata));
  }

  /** The transfer at each change of state and every `intervalMs`; ends when the transfer is removed. */
  async *watch(ref: string, intervalMs: number): AsyncGenerator<Transfer, void, undefined> {
    const interval = {
      seconds: BigInt(Math.floor(intervalMs / 1000)),
      nanos: Math.round(intervalMs % 1000) * NANOS_PER_MS,
    };
    for await (const { transfer } of this.#channel.read(() =>
      this.#client.watchTransfer({ ref, interval }, this.#channel.metadata),
    )) {
      yield present(transfer);
    }
  }
}

function present<T>(answer: T | undefined, what = 'transfer'): T {
  if (answer !== undefined) return answer;
  throw new EnjambreError(
    'internal',
    'BAD_ANSWER',
    `the agent answered without a ${what}: update it or this command`,
  );
}
