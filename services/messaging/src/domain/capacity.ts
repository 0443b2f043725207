/** Limits of the messaging service, in all and for one peer. */
export interface Capacity {
  /** Open Receive streams that have said hello. */
  readonly sessions: number;
  /** Known peers; bounds the cost of a message to everyone. */
  readonly knownPeers: number;
  /** Peers that become known, a minute. */
  readonly newPeersPerMinute: number;
  /** Time after which a disconnected peer is removed, in milliseconds. */
  readonly peerRetentionMs: number;
  /** The same for a peer that never sent a message, received one, joined a room or was connected for this long. */
  readonly newcomerRetentionMs: number;
  readonly rooms: number;
  /** Memberships in all rooms together. */
  readonly memberships: number;
  /** Members of one room; bounds the cost of a message to it. */
  readonly membersPerRoom: number;
  /** Rooms that one peer may join. */
  readonly roomsPerPeer: number;
  /** Sustained calls per second of all senders. */
  readonly callsPerSecond: number;
  /** Sustained copies per second of messages to rooms and to everyone: each receiver has one. */
  readonly copiesPerSecond: number;
  /** Sustained calls per second of one sender. */
  readonly messagesPerSecond: number;
  /** Burst of calls of one sender. */
  readonly messageBurst: number;
  /** Calls of one sender that wait for earlier ones. */
  readonly waitingPerSender: number;
  /** Messages waiting for one receiver. */
  readonly pendingMessages: number;
  /** Bytes waiting for one receiver. */
  readonly pendingBytes: number;
  /** Bytes of all messages. */
  readonly storeBytes: number;
  /** Unacknowledged deliveries in flight to one receiver: enough to keep a fast one busy. */
  readonly windowMessages: number;
  /** Bytes of these deliveries: the memory that a receiver that does not read can occupy. */
  readonly windowBytes: number;
  /** Characters of a text in events. */
  readonly previewChars: number;
}

const DAY_MS = 86_400_000;

export const DEFAULT_CAPACITY: Capacity = {
  sessions: 10_000,
  // The sender's copy lists its receivers: 10,000 of 34 bytes fit into NATS's 1 MiB together with 64 KiB of
  // text.
  knownPeers: 10_000,
  newPeersPerMinute: 2000,
  peerRetentionMs: 7 * DAY_MS,
  newcomerRetentionMs: 10 * 60_000,
  rooms: 10_000,
  memberships: 100_000,
  membersPerRoom: 1000,
  roomsPerPeer: 100,
  callsPerSecond: 20_000,
  // Five percent: one to 10,000 peers in 20 s.
  copiesPerSecond: 10_000,
  messagesPerSecond: 200,
  messageBurst: 400,
  waitingPerSender: 256,
  pendingMessages: 10_000,
  pendingBytes: 64 << 20,
  storeBytes: 256 << 20,
  windowMessages: 256,
  windowBytes: 1 << 20,
  previewChars: 120,
};
