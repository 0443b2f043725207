import type { Metainfo } from '@enjambre/core/metainfo';
import type { LimitChange } from '../../domain/limits/limit-settings.js';
import type { LeftOut, ScanOptions } from '../ports/sharing.js';
import type { SelectPatterns } from '../select-files.js';
import type { Transfer } from './transfer.js';

export interface ShareOptions {
  readonly path: string;
  /** Name to share it under. @default (empty) the base name of `path` */
  readonly name: string;
  /** In bytes; 0 chooses it by size. */
  readonly pieceLength: number;
  /** Limits of this transfer. */
  readonly limits?: LimitChange;
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
  /** Which entries are shared. */
  readonly scan?: ScanOptions;
  /** Queues the disk reads of concurrent shares. @default reads at once */
  readonly inTurn?: <T>(read: () => Promise<T>) => Promise<T>;
}

export interface Shared {
  readonly transfer: Transfer;
  readonly metainfo: Metainfo;
  /** The content was already shared. */
  readonly already: boolean;
  readonly leftOut: LeftOut;
}

export interface DownloadOptions {
  /** Absolute path of the target folder; empty for the agent's download folder. */
  readonly outputDir: string;
  /** Limits of the transfer; for a known transfer, changes of its limits. */
  readonly limits?: LimitChange;
  /** Name that the content of a new transfer must have. @default any name that is not hidden */
  readonly name?: string;
  /** Only versions of a name by this publisher count; see `chooseFile`. @default any */
  readonly publisher?: string;
  /** Replace what has the name in the target folder. @default false */
  readonly replace?: boolean;
  /** Move to each new version of the name and publisher. @default false */
  readonly follow?: boolean;
  /** Files to download of a folder; added to those that a known transfer selects. @default all */
  readonly select?: SelectPatterns;
}

export interface Started {
  readonly transfer: Transfer;
  /** The content was already complete. */
  readonly already: boolean;
}
