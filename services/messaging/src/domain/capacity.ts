/** How much the relay holds, and how much of it for one stranger. */
export interface Capacity {
  /** Open Receive streams that have said hello. */
  readonly sessions: number;
  /** Peers that the relay knows; bounds what a message to everyone costs. */
  readonly knownPeers: number;
  /** A peer that was not connected for so long is forgotten, in milliseconds. */
  readonly peerRetentionMs: number;
  readonly rooms: number;
  /** Members of one room; bounds what a message to it costs. */
  readonly membersPerRoom: number;
  /** Rooms that one peer may be in. */
  readonly roomsPerPeer: number;
  /** Calls a second of one sender, in the long run. */
  readonly messagesPerSecond: number;
  /** Calls of one sender at once. */
  readonly messageBurst: number;
  /** Calls of one sender that wait for those before. */
  readonly waitingPerSender: number;
  /** Messages that wait for one receiver. */
  readonly pendingMessages: number;
  /** Bytes that wait for one receiver. */
  readonly pendingBytes: number;
  /** Deliveries under way to one receiver, not acknowledged yet: enough for a fast one to be always busy. */
  readonly windowMessages: number;
  /** Bytes of them: what one receiver that reads nothing can hold in memory. */
  readonly windowBytes: number;
  /** Characters of a text that events show: they are for everybody's eyes. */
  readonly previewChars: number;
}

const DAY_MS = 86_400_000;

export const DEFAULT_CAPACITY: Capacity = {
  sessions: 10_000,
  // The sender's copy lists its receivers: 10,000 of 34 bytes fit with 64 KiB of text into NATS's 1 MiB.
  knownPeers: 10_000,
  peerRetentionMs: 7 * DAY_MS,
  rooms: 10_000,
  membersPerRoom: 1000,
  roomsPerPeer: 100,
  messagesPerSecond: 200,
  messageBurst: 400,
  waitingPerSender: 256,
  pendingMessages: 10_000,
  pendingBytes: 64 << 20,
  windowMessages: 256,
  windowBytes: 1 << 20,
  previewChars: 120,
};
