import {
  AgentMessagingServiceClient,
  type InboxMessage,
  type SendMessageResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/messages';
import type { Message, Room, Target } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { channelOf, type AgentChannel } from './agent-channel.js';
import type { Session } from './context.js';
import { allPages, PAGE_SIZE } from './pages.js';

/** The agent retries for a while before it gives up. */
const MESSAGING_TIMEOUT_MS = 20_000;

/** Opens a client of the session's agent for `work` and closes it afterwards. */
export async function withMessages<T>(
  session: Session,
  work: (messages: MessageClient) => Promise<T>,
): Promise<T> {
  const client = new MessageClient(await channelOf(session));
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** Client of the messages of one agent. Methods throw EnjambreError with a message for the user. */
export class MessageClient {
  readonly #channel: AgentChannel;
  readonly #client: AgentMessagingServiceClient;

  constructor(channel: AgentChannel) {
    this.#channel = channel;
    this.#client = channel.open(AgentMessagingServiceClient);
  }

  close(): void {
    this.#client.close();
  }

  send(message: { id: string; target: Target; text: string }): Promise<SendMessageResponse> {
    return this.#channel.call(this.#client.sendMessage.bind(this.#client), message, MESSAGING_TIMEOUT_MS);
  }

  /** Unread messages, oldest first, or all that are kept. */
  inbox(includeRead: boolean): Promise<InboxMessage[]> {
    return allPages(async (pageToken) => {
      const page = await this.#channel.call(this.#client.listInbox.bind(this.#client), {
        includeRead,
        markRead: false,
        pageSize: PAGE_SIZE,
        pageToken,
      });
      return { items: page.messages, next: page.nextPageToken };
    });
  }

  /** Marks messages as read. */
  async markRead(messages: readonly InboxMessage[]): Promise<void> {
    const call = this.#client.markRead.bind(this.#client);
    const unread = messages.filter(({ read }) => !read).map(({ number }) => number);
    for (let at = 0; at < unread.length; at += PAGE_SIZE) {
      await this.#channel.call(call, { numbers: unread.slice(at, at + PAGE_SIZE) });
    }
  }

  /** Unread messages, then each new one. */
  async *watch(): AsyncGenerator<InboxMessage, void, undefined> {
    for await (const { message } of this.#channel.read(() =>
      this.#client.watchInbox({}, this.#channel.metadata),
    )) {
      if (message) yield message;
    }
  }

  /** The newest messages that the messaging service keeps, sent and received, newest first. */
  async history(target: Target | undefined, limit: number): Promise<Message[]> {
    const request = { target, pageSize: limit, pageToken: '' };
    const call = this.#client.listHistory.bind(this.#client);
    return (await this.#channel.call(call, request, MESSAGING_TIMEOUT_MS)).messages;
  }

  async join(room: string): Promise<Room | undefined> {
    const call = this.#client.joinRoom.bind(this.#client);
    return (await this.#channel.call(call, { room }, MESSAGING_TIMEOUT_MS)).room;
  }

  async leave(room: string): Promise<void> {
    await this.#channel.call(this.#client.leaveRoom.bind(this.#client), { room }, MESSAGING_TIMEOUT_MS);
  }

  rooms(): Promise<Room[]> {
    return allPages(async (pageToken) => {
      const request = { pageSize: PAGE_SIZE, pageToken };
      const call = this.#client.listRooms.bind(this.#client);
      const page = await this.#channel.call(call, request, MESSAGING_TIMEOUT_MS);
      return { items: page.rooms, next: page.nextPageToken };
    });
  }
}
