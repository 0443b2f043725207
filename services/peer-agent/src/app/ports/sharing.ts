import type { Metainfo } from '@enjambre/core/metainfo';

/** Content found on disk, to be shared. */
export interface ScannedContent {
  readonly path: string;
  readonly isFolder: boolean;
  readonly totalLength: number;
  readonly files: readonly {
    readonly path: readonly string[];
    readonly length: number;
    /** Where its bytes are; for a symbolic link, the real path. */
    readonly diskPath: string;
    readonly executable: boolean;
    /** Identity and state of the file when it was found; see {@link ContentHasher.confirm}. */
    readonly stamp: FileStamp;
  }[];
  /** Entries of a folder that are not shared. */
  readonly leftOut: LeftOut;
}

/**
 * Distinguishes a file from any other, and from itself after a change. Size and modification time can be equal for
 * different bytes (`touch -d`, `rsync -t`, package managers); the change time of the inode cannot be set.
 */
export interface FileStamp {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/**
 * Why an entry is not shared. `link`: links are not followed. `outside`: the link leads out of the folder. `dangling`:
 * its target does not exist. `loop`: it leads to a folder that contains it. `incomplete`: downloads in progress.
 * `special`: a socket, pipe or device. `name`: a torrent cannot contain the name, or its path is too deep.
 */
export type LeftOutWhy = 'link' | 'outside' | 'dangling' | 'loop' | 'incomplete' | 'special' | 'name';

export interface LeftOutEntry {
  /** Relative to the shared folder, with hidden characters and bytes that are not UTF-8 escaped. */
  readonly path: string;
  readonly why: LeftOutWhy;
  /** What is wrong with the name, as the end of a sentence that begins with it. */
  readonly fault: string;
}

/** Entries of a folder that are not shared, counted by kind. */
export interface LeftOut {
  /** Symbolic links that are not followed. */
  readonly links: number;
  readonly emptyFolders: number;
  /** Sockets, pipes and devices. */
  readonly others: number;
  /** Names that cannot be shared; counted only if they are skipped. */
  readonly unsupported: number;
  /** Folders of downloads in progress. */
  readonly incomplete: number;
  /** The first of these entries, without empty folders. */
  readonly entries: readonly LeftOutEntry[];
}

/** Which symbolic links in a folder are followed: none, those whose target is inside it, or all. */
export type LinkPolicy = 'skip' | 'inside' | 'anywhere';

export interface ScanOptions {
  /** Matches names of files and folders to leave out of a folder. @default none */
  readonly ignores?: (name: string) => boolean;
  /** Whether `path` itself may be a link. @default true */
  readonly followLink?: boolean;
  /** Which links inside a folder are followed. @default skip */
  readonly links?: LinkPolicy;
  /** The folder that `inside` means. @default the path that is shared */
  readonly within?: string;
  /** Leaves out names that cannot be shared, instead of throwing. @default false */
  readonly skipUnsupported?: boolean;
  readonly signal?: AbortSignal;
}

export interface ContentHasher {
  /** Lists a file or folder. Throws `EnjambreError` if it cannot be shared. */
  scan(path: string, options?: ScanOptions): Promise<ScannedContent>;
  /**
   * Hashes scanned content. Throws `precondition` CHANGED_WHILE_READ if a file has changed since the scan, and
   * `cancelled`.
   */
  hash(
    content: ScannedContent,
    options: { name: string; pieceLength: number; signal: AbortSignal; progress: (bytes: number) => void },
  ): Promise<Metainfo>;
  /** Checks that all files are unchanged since the scan. Throws as {@link hash} does. */
  confirm(content: ScannedContent): Promise<void>;
}

/** Receives changes of a watched folder; some may be false alarms, and some changes may be missed. */
export interface FolderListener {
  /** One entry may have changed. */
  changed(name: string): void;
  /** Any entry, or the folder itself, may have changed. */
  changedAll(): void;
}

/** A folder whose entries are shared automatically. Entries that must not be shared are ignored. */
export interface WatchedFolder {
  readonly path: string;
  readonly ignores: (name: string) => boolean;
  /** Scan options for its entries. */
  readonly scan: ScanOptions & { readonly links: LinkPolicy };
  /**
   * The state of all entries, by name: texts that change when any of an entry's files is replaced, is written to, or
   * changes its mode. Undefined if the folder is missing. Throws `EnjambreError`.
   */
  look(): Promise<ReadonlyMap<string, string> | undefined>;
  /** The state of one entry; undefined if it is missing. */
  lookAt(name: string): Promise<string | undefined>;
  /** Starts to report changes, and each time the folder becomes present, which `look` detects. Called once. */
  watch(listener: FolderListener): void;
  close(): Promise<void>;
}
