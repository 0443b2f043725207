import type { Fact } from '@enjambre/common/events/event-bus';

/** A file in the tracker's catalogue, as the tracker describes it. */
export interface CatalogueFile {
  readonly infohash: string;
  readonly name: string;
  readonly sizeBytes: bigint;
  readonly pieceLength: bigint;
  readonly fileCount: number;
  readonly seederCount: number;
  readonly leecherCount: number;
  /** When and by which peer it was first shared in this network. */
  readonly sharedAt: Date | undefined;
  readonly publisherName: string;
  /** True if publishers claim different things of it. */
  readonly disputed: boolean;
  /** Who has published it under its name, the first publisher first. */
  readonly publications: readonly CataloguePublication[];
  /** Each of its publishers has a newer version of the name. */
  readonly superseded: boolean;
}

/** A version of a name, as the tracker describes it. */
export interface CataloguePublication {
  readonly publisher: { readonly id: string; readonly name: string } | undefined;
  readonly version: number;
  readonly publishedAt: Date | undefined;
}

/** An agent that is connected to the network, as the tracker describes it. */
export interface NetworkPeer {
  readonly id: string;
  readonly name: string;
  /** Each "host:port", best first; the first is `endpoint`. */
  readonly endpoint: string;
  readonly endpoints: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
  readonly connectedAt: Date | undefined;
  /** Numbers of complete and of incomplete files. */
  readonly seedingCount: number;
  readonly leechingCount: number;
}

/** A peer in the swarm of one file. */
export interface NetworkMember {
  readonly peer: NetworkPeer | undefined;
  readonly isSeeder: boolean;
  readonly leftBytes: bigint;
  readonly downloadedBytes: bigint;
  readonly uploadedBytes: bigint;
}

export interface NetworkEvent {
  readonly id: string;
  readonly time: Date | undefined;
  /** "tracker/NAME" or "messaging/NAME". */
  readonly source: string;
  /** Undefined if this version does not know its kind. */
  readonly fact: Fact | undefined;
}

export interface EventSelection {
  /** Patterns of which one must match the event's type; empty for all events. */
  readonly types: readonly string[];
  /** Recorded events since this time come first. */
  readonly since: Date | undefined;
  /** End after the recorded events. */
  readonly replayOnly: boolean;
}

/** Which page of a list. The tracker decides on the default and the maximum size. */
export interface PageRequest {
  readonly pageSize: number;
  /** Empty for the first page. */
  readonly pageToken: string;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Empty after the last page. */
  readonly nextPageToken: string;
}

/**
 * The whole network, as the tracker sees it: for people, not for transfers. All methods throw the tracker's own errors,
 * and `unavailable` NO_TRACKER if it cannot be reached.
 */
export interface NetworkView {
  /** @param query part of a name, or the beginning of an infohash; empty for all files */
  listFiles(query: string, page: PageRequest): Promise<Page<CatalogueFile>>;
  listPeers(page: PageRequest): Promise<Page<NetworkPeer>>;
  /** @param maxPeers 0 for the tracker's default */
  listSwarm(infohash: string, maxPeers: number): Promise<readonly NetworkMember[]>;
  /** Ends as the tracker ends it. */
  watchEvents(selection: EventSelection, signal: AbortSignal): AsyncIterable<NetworkEvent>;
}
