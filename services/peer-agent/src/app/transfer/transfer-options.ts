import type { Metainfo } from '@enjambre/core/metainfo';
import type { LimitChange } from '../../domain/limits/limit-settings.js';
import type { LeftOut, ScanOptions } from '../ports/sharing.js';
import type { Transfer } from './transfer.js';

export interface ShareOptions {
  readonly path: string;
  /** Name to share it under; its own if empty. */
  readonly name: string;
  /** 0 lets us choose. */
  readonly pieceLength: number;
  /** What it has of its own. */
  readonly limits?: LimitChange;
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
  /** What of it is taken. */
  readonly scan?: ScanOptions;
  /** Whose turn it is to read from the disk. @default at once */
  readonly inTurn?: <T>(read: () => Promise<T>) => Promise<T>;
}

export interface Shared {
  readonly transfer: Transfer;
  readonly metainfo: Metainfo;
  /** It was offered before. */
  readonly already: boolean;
  readonly leftOut: LeftOut;
}

export interface DownloadOptions {
  /** Absolute path of the folder to put it in; the agent's download folder if empty. */
  readonly outputDir: string;
  /** What it has of its own; of one that is there already, what becomes another. */
  readonly limits?: LimitChange;
}

export interface Started {
  readonly transfer: Transfer;
  /** It was complete before. */
  readonly already: boolean;
}
