import {
  AgentServiceClient,
  ShareRequest,
  TrackerState,
  type SharedFile,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import {
  AgentMessagingServiceClient,
  type InboxMessage,
} from '@enjambre/proto/gen/enjambre/agent/v1/messages';
import { callUnary, readStream, type UnaryOptions } from '@enjambre/rpc/client';
import { dialer } from './dialer.js';
import type { SwarmAgent } from './swarm.js';

/** Room for the largest metainfo, which the answer to a share holds. */
const MAX_ANSWER_BYTES = 64 << 20;
const PAGE = 1000;

/** The user of an agent process, by its control socket. */
export class AgentUser {
  protected readonly control: AgentServiceClient;
  protected readonly chat: AgentMessagingServiceClient;

  /** @param options of each call of this class. @default those of callUnary */
  constructor(
    readonly agent: SwarmAgent,
    private readonly options: UnaryOptions = {},
  ) {
    const socket = `unix:${agent.dataDir}/agent.sock`;
    this.control = dialer.client(AgentServiceClient, socket, 'agent', {
      'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
    });
    this.chat = dialer.client(AgentMessagingServiceClient, socket, 'agent');
  }

  async info(): Promise<{ readonly peerId: string; readonly isConnected: boolean }> {
    const info = await callUnary(this.control.getInfo.bind(this.control), {}, this.options);
    const isConnected = info.trackerState === TrackerState.CONNECTED && info.messagingError === '';
    return { peerId: info.id, isConnected };
  }

  async share(path: string): Promise<SharedFile> {
    const request = ShareRequest.fromPartial({ path });
    for await (const { result } of readStream(this.control.share(request)))
      if (result?.$case === 'shared') return result.value;
    throw new Error(`${path} was not shared`);
  }

  /** All received messages, in order of arrival. */
  async inbox(): Promise<InboxMessage[]> {
    const all: InboxMessage[] = [];
    let pageToken = '';
    do {
      const request = { includeRead: true, markRead: false, pageSize: PAGE, pageToken };
      const page = await callUnary(this.chat.listInbox.bind(this.chat), request, this.options);
      all.push(...page.messages);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return all;
  }

  close(): void {
    this.control.close();
    this.chat.close();
  }
}
