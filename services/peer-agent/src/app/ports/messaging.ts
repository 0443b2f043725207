import type { ChatMessage, MessageTarget } from '../../domain/inbox.js';

export interface Room {
  readonly name: string;
  /** Names of the members. */
  readonly members: readonly string[];
}

export interface Page {
  /** 0 lets the relay choose. */
  readonly size: number;
  readonly token: string;
}

/** A message on its way to this agent. */
export interface Delivery {
  /** To acknowledge it by; counts up. */
  readonly deliveryId: bigint;
  readonly message: ChatMessage;
}

/** What the relay has to deliver. */
export interface DeliveryListener {
  /** Id of the delivery that was received last; 0 if there was none. */
  readonly cursor: bigint;
  /** False while nothing more can be kept: then nothing is to be delivered. */
  readonly hasRoom: boolean;
  /** Keeps messages. When it resolves, they may be acknowledged. */
  deliver(deliveries: readonly Delivery[]): Promise<void>;
  /** There is a session: rooms may have been forgotten. */
  connected(): void;
}

/** What the relay says of a message that it took. */
export interface Receipt {
  readonly sentAtMs: number;
  /** True if it had been taken before. */
  readonly duplicate: boolean;
  /** How many get it, and how many do not because too much waits for them. */
  readonly receivers: number;
  readonly skipped: number;
}

/** The agent's session with its messaging service. Throws `unavailable` MESSAGING_UNREACHABLE while there is none. */
export interface RelayPort {
  /** Says who takes deliveries. Called once, before it starts. */
  receive(listener: DeliveryListener): void;
  /** There is room for deliveries: if they were stopped for want of it, they go on. */
  wake(): void;
  send(message: { id: string; target: MessageTarget; text: string }): Promise<Receipt>;
  history(
    target: MessageTarget | undefined,
    page: Page,
  ): Promise<{ messages: readonly ChatMessage[]; nextToken: string }>;
  joinRoom(room: string): Promise<Room>;
  leaveRoom(room: string): Promise<void>;
  rooms(page: Page): Promise<{ rooms: readonly Room[]; nextToken: string }>;
}
