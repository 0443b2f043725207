import type { InfoHash } from '@enjambre/core/ids';
import type { PeerInfo } from './peer.js';

/** A file as named in events. */
export interface FileRef {
  readonly infohash: InfoHash;
  /** Empty while unknown. */
  readonly name: string;
  /** In bytes; 0 while unknown. */
  readonly size: number;
}

interface About {
  readonly peer: PeerInfo;
  readonly file: FileRef;
}

/** An event of the network, as seen by the tracker. */
export type TrackerEvent =
  | { readonly type: 'peer.connected'; readonly peer: PeerInfo }
  | { readonly type: 'peer.disconnected'; readonly peer: PeerInfo; readonly reason: string }
  /** An unverified claim of `peer`. */
  | {
      readonly type: 'peer.banned';
      readonly banned: Pick<PeerInfo, 'id' | 'name'>;
      readonly peer: PeerInfo;
      readonly reason: string;
      readonly file: FileRef | undefined;
    }
  /** Events of the peers at one address, of which `peer` is one, that were left out. */
  | {
      readonly type: 'peer.throttled';
      readonly peer: PeerInfo;
      readonly events: number;
      readonly seconds: number;
    }
  | ({ readonly type: 'file.shared' } & About)
  | ({ readonly type: 'file.withdrawn' } & About)
  | ({ readonly type: 'download.started' } & About)
  | ({ readonly type: 'download.progressed'; readonly leftBytes: number } & About)
  | ({
      readonly type: 'download.completed';
      readonly downloadedBytes: number;
      /** Of files that are not selected. */
      readonly leftBytes?: number;
    } & About)
  | ({ readonly type: 'download.failed'; readonly reason: string; readonly message: string } & About);
