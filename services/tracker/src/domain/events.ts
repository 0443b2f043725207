import type { InfoHash } from '@enjambre/core/ids';
import type { PeerInfo } from './peer.js';

/** A file as events name it. */
export interface FileRef {
  readonly infohash: InfoHash;
  /** Empty as long as nobody has said it. */
  readonly name: string;
  /** In bytes; 0 as long as nobody has said it. */
  readonly size: number;
}

interface About {
  readonly peer: PeerInfo;
  readonly file: FileRef;
}

/** One fact of the network's life, as the tracker sees it. */
export type TrackerEvent =
  | { readonly type: 'peer.connected'; readonly peer: PeerInfo }
  | { readonly type: 'peer.disconnected'; readonly peer: PeerInfo; readonly reason: string }
  /** `peer` says so; nobody has checked it. */
  | {
      readonly type: 'peer.banned';
      readonly banned: Pick<PeerInfo, 'id' | 'name'>;
      readonly peer: PeerInfo;
      readonly reason: string;
      readonly file: FileRef | undefined;
    }
  | ({ readonly type: 'file.shared' } & About)
  | ({ readonly type: 'file.withdrawn' } & About)
  | ({ readonly type: 'download.started' } & About)
  | ({ readonly type: 'download.progressed'; readonly bytesLeft: number } & About)
  | ({ readonly type: 'download.completed'; readonly bytesDownloaded: number } & About)
  | ({ readonly type: 'download.failed'; readonly reason: string } & About);
