import type { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import type { ChatMessage, MessageTarget } from '../../domain/inbox.js';

export interface Room {
  readonly name: string;
  /** `id` is empty from an older service. */
  readonly members: readonly { readonly id: string; readonly name: string }[];
}

export interface Page {
  /** 0 lets the messaging service choose. */
  readonly size: number;
  readonly token: string;
}

/** A message on its way to this agent. */
export interface Delivery {
  /** Identifies the delivery in acknowledgements; increases with each delivery. */
  readonly deliveryId: bigint;
  readonly message: ChatMessage;
}

/** Receives the deliveries of the messaging service. */
export interface DeliveryListener {
  /** Id of the last delivery received; 0 if there was none. */
  readonly cursor: bigint;
  /** False while no more messages can be stored: nothing must be delivered then. */
  readonly hasRoom: boolean;
  /** Stores messages. Once it resolves, they may be acknowledged. */
  deliver(deliveries: readonly Delivery[]): Promise<void>;
  /** A session opened: the messaging service may have lost its rooms. */
  connected(): void;
}

/** The messaging service's answer to an accepted message. */
export interface Receipt {
  readonly sentAtMs: number;
  /** True if the message had already been accepted. */
  readonly duplicate: boolean;
  /** How many members receive it, and how many do not because their queue is full. */
  readonly receivers: number;
  readonly skipped: number;
  /** The receiver of a message to one peer; undefined from an older service, or for many receivers. */
  readonly receiver: PeerName | undefined;
  /** How many other peers have the receiver's name. */
  readonly namesakes: number;
}

/** A peer as the messaging service shows it: "alice", or "alice (1a2b3c4d)" if another peer used the name first. */
export interface PeerName {
  readonly id: PeerId;
  readonly name: string;
}

/** How {@link RelayPort.leaveRoom} ended. */
export type Departure =
  | { readonly wasMember: true }
  /** The service knows of no membership; `error` is its answer. */
  | { readonly wasMember: false; readonly error: EnjambreError };

/** The agent's session with its messaging service. Throws `unavailable` MESSAGING_UNREACHABLE while there is none. */
export interface RelayPort {
  /** Sets the listener for deliveries. Called once, before start. */
  receive(listener: DeliveryListener): void;
  /** There is room for deliveries: resumes them if they were stopped for lack of it. */
  wake(): void;
  send(message: { id: string; target: MessageTarget; text: string }): Promise<Receipt>;
  history(
    target: MessageTarget | undefined,
    page: Page,
  ): Promise<{ messages: readonly ChatMessage[]; nextToken: string }>;
  joinRoom(room: string): Promise<Room>;
  leaveRoom(room: string): Promise<Departure>;
  rooms(page: Page): Promise<{ rooms: readonly Room[]; nextToken: string }>;
}
