import type { Metainfo } from '@enjambre/core/metainfo';

/** Content found on disk, to be shared. */
export interface ScannedContent {
  readonly path: string;
  readonly isFolder: boolean;
  readonly totalLength: number;
  readonly files: readonly {
    readonly path: readonly string[];
    readonly length: number;
    /** Where its bytes are; of what a link leads to, the real path. */
    readonly diskPath: string;
    readonly executable: boolean;
    /** Which file it is, and how it looked when it was found; see {@link ContentHasher.confirm}. */
    readonly stamp: FileStamp;
  }[];
  /** What a folder holds that is not shared. */
  readonly leftOut: LeftOut;
}

/**
 * What tells a file, as it is, from another or from what it becomes by a change. Size and time of the last change can
 * be the same for other bytes (`touch -d`, `rsync -t`, package managers); that of the inode cannot be set.
 */
export interface FileStamp {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/**
 * Why an entry is not shared. `link`: links are not followed. `outside`: it leads out of the
 * folder. `dangling`: it leads to nothing. `loop`: it leads to a folder that it lies in.
 * `incomplete`: downloads under way. `special`: a socket, pipe or device. `name`: no torrent may
 * hold the name, or its path is too deep.
 */
export type LeftOutWhy = 'link' | 'outside' | 'dangling' | 'loop' | 'incomplete' | 'special' | 'name';

export interface LeftOutEntry {
  /** Below the shared folder, with hidden characters and bytes that are not UTF-8 escaped. */
  readonly path: string;
  readonly why: LeftOutWhy;
  /** What is wrong with a name, as the end of a sentence that begins with it. */
  readonly fault: string;
}

/** What of a folder is not shared. */
export interface LeftOut {
  /** Symbolic links that were not followed. */
  readonly links: number;
  readonly emptyFolders: number;
  /** Sockets, pipes and devices. */
  readonly others: number;
  /** Names that cannot be shared; only if they are to be skipped. */
  readonly unsupported: number;
  /** Folders of downloads under way. */
  readonly incomplete: number;
  /** The first of them, except empty folders. */
  readonly entries: readonly LeftOutEntry[];
}

/** Which symbolic links in a folder are followed: none, those that lead to something in it, or all. */
export type LinkPolicy = 'skip' | 'inside' | 'anywhere';

export interface ScanOptions {
  /** Names of files and folders inside a folder that are left out. @default none */
  readonly ignores?: (name: string) => boolean;
  /** Whether `path` itself may be a link. @default true */
  readonly followLink?: boolean;
  /** Which links inside a folder are followed. @default skip */
  readonly links?: LinkPolicy;
  /** The folder that `inside` means. @default the path that is shared */
  readonly within?: string;
  /** Names that cannot be shared are left out; else they are an error. @default false */
  readonly skipUnsupported?: boolean;
  readonly signal?: AbortSignal;
}

export interface ContentHasher {
  /** Looks at a file or folder. Throws `EnjambreError` if it cannot be shared. */
  scan(path: string, options?: ScanOptions): Promise<ScannedContent>;
  /** Hashes it. Throws `precondition` CHANGED_WHILE_READ if a file is not what the scan found any more, `cancelled`. */
  hash(
    content: ScannedContent,
    options: { name: string; pieceLength: number; signal: AbortSignal; progress: (bytes: number) => void },
  ): Promise<Metainfo>;
  /** Looks whether all files still are what the scan found. Throws as {@link hash} does. */
  confirm(content: ScannedContent): Promise<void>;
}

/** Tells of changes in a watched folder; maybe of some that are none, and maybe not of all. */
export interface FolderListener {
  /** Of an entry. */
  changed(name: string): void;
  /** Of any of them, or of the folder itself. */
  changedAll(): void;
}

/** A folder whose entries are to be shared. What is in it and not to be shared is passed over. */
export interface WatchedFolder {
  readonly path: string;
  readonly ignores: (name: string) => boolean;
  /** How its entries are to be scanned. */
  readonly scan: ScanOptions & { readonly links: LinkPolicy };
  /**
   * How all entries look, by name: texts that change when any of their files is another, was
   * written to, or has another mode. Undefined if the folder is not there. Throws `EnjambreError`.
   */
  look(): Promise<ReadonlyMap<string, string> | undefined>;
  /** How one entry looks; undefined if it is not there. */
  lookAt(name: string): Promise<string | undefined>;
  /** Begins to tell of changes, of each time the folder is there: `look` finds out. Called once. */
  watch(listener: FolderListener): void;
  close(): Promise<void>;
}
