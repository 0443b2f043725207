import type { Bitfield } from '@enjambre/core/bitfield';
import type { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { Labels } from '@enjambre/core/labels';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { PieceLayout } from '@enjambre/core/layout';
import type { Ban } from '../domain/ban-list.js';
import type { ChatMessage, InboxEntry, MessageTarget } from '../domain/inbox.js';
import type { SourceEvent } from '../domain/source-event.js';
import type { TransferRecord } from '../domain/transfer-record.js';

/** Reason of a failed {@link PieceStore.write}: the bytes are gone, and it may be tried with others. */
export const BLOCK_LOST = 'BLOCK_LOST';

/** What a look at files found. */
export interface Survey {
  /** Path of one that is not there; undefined if all are. */
  readonly absent?: string;
  /** If all are there: a text that changes when one of them does. */
  readonly look: string;
}

/** Why an uploader withdraws a file whose bytes are others than they were. */
export const CONTENT_CHANGED = 'CONTENT_CHANGED';

/** The files of one transfer. Failures are {@link EnjambreError}s that say what to do. */
export interface PieceStore {
  /** Where the content is now: the file itself, or the folder. */
  readonly path: string;
  /** Fills `into` with as many bytes of a piece, from `begin` on. */
  read(place: { piece: number; begin: number }, into: Buffer): Promise<void>;
  /** Writes a block and returns the root of its leaves. `data` belongs to the store from then on. Throws BLOCK_LOST besides. */
  write(piece: number, block: number, data: Buffer): Promise<Buffer>;
  /** Hashes pieces as they are on disk; undefined for one that is not there. */
  hashPiece(piece: number): Promise<Buffer | undefined>;
  /**
   * These verified pieces are there: from now on, until {@link close}, the files that they
   * are in must stay the very same, as must those that are written to. If they do not, this,
   * {@link write}, {@link flush} and {@link publish} throw `precondition` FILE_MISSING or
   * FILE_CHANGED; what is claimed of them then is in doubt.
   */
  hold(have: Bitfield): Promise<void>;
  /** What was written is on the disk itself when this resolves. Once it failed, it does so until {@link close}. */
  flush(): Promise<void>;
  /**
   * Moves a complete download to where it belongs. Undefined if it is there already; else what the
   * file system did not take of it and it does without, in a sentence; empty if it took all.
   */
  publish(): Promise<string | undefined>;
  /** Bytes that its files take on the disk by now: less than their length where they have holes. */
  allocated(): Promise<number>;
  /** True if anything is at {@link path}. */
  exists(): Promise<boolean>;
  /** Looks which files are there; of these only, if they are given by index. Throws as {@link read} does. */
  survey(files?: Iterable<number>): Promise<Survey>;
  /**
   * A text that changes when any file is another one, or was written to: it is made of size, times, inode and device.
   * Undefined if a file is missing or has another size than it should.
   */
  fingerprint(): Promise<string | undefined>;
  /**
   * From now on the files must stay as they are, or as the last {@link fingerprint} found them if that was `since`.
   * {@link read} gives no byte of one that changed before its piece was hashed and is right; it throws `precondition`
   * CONTENT_CHANGED otherwise. Returns the fingerprint of what is sealed.
   */
  seal(since?: string): Promise<string | undefined>;
  /**
   * Looks whether some sealed files, other ones each time, still are as they were, and hashes those that are not. Returns
   * the new fingerprint if there is one: the content is right all the same. Throws as {@link read} does.
   */
  patrol(): Promise<string | undefined>;
  /** What the content is told from any other by, under whatever name in its file system; empty if it is not there. */
  identity(): Promise<string>;
  /** Files of the metainfo that are not there. */
  missingFiles(): Promise<number[]>;
  /** Deletes files that the metainfo names, as far as `rules` let it, and folders that became empty by that. */
  delete(rules: DeletionRules): Promise<Deletion>;
  close(): Promise<void>;
}

/** Which files of a transfer may be deleted. */
export interface DeletionRules {
  readonly isOwn: (file: number) => boolean;
  /** Why those stay that are not. */
  readonly notOwn: KeptReason;
  /** Whatever they hold; if not, only what the metainfo says. */
  readonly anyContent: boolean;
  /** See {@link PieceStore.fingerprint}: files that look like this need not be read. */
  readonly fingerprint: string;
}

/**
 * Why something stays: it was there before the download (`taken-over`), or nothing is noted of that (`unknown`); it is
 * not what was downloaded any more (`changed`); a link, folder or device is in its place (`replaced`); or it is no part of
 * the transfer (`foreign`).
 */
export type KeptReason = 'taken-over' | 'unknown' | 'changed' | 'replaced' | 'foreign';

export interface KeptPath {
  readonly path: string;
  readonly reason: KeptReason;
}

/** What became of the files. */
export interface Deletion {
  readonly deleted: number;
  readonly kept: number;
  /** Some of those that stay: {@link MAX_KEPT_PATHS} at most. */
  readonly paths: readonly KeptPath[];
}

export const MAX_KEPT_PATHS = 20;

/** Downloads are assembled in a folder of this name inside the one they go to, so that the last step is a rename. */
export const RESERVED_NAME = '.incomplete';

/** Where content is, or will be: `name` in `folder`, an absolute path. */
export interface Place {
  readonly folder: string;
  readonly name: string;
}

/** How a place lies to another: the very same, somewhere in what the other is, or neither. */
export type PlaceRelation = 'same' | 'inside' | 'apart';

/** What is known of content by its names, and of the sizes of its files. */
export type Named = Pick<Metainfo, 'infohash' | 'name' | 'isFolder' | 'files'>;

export interface StoreFactory {
  /** Content that is shared where it lies. */
  original(metainfo: Metainfo, path: string): PieceStore;
  /** A download that ends up in `folder`; `inPlace` if it has its name there already. */
  download(metainfo: Metainfo, folder: string, inPlace: boolean): PieceStore;
  /**
   * Throws `invalid` BAD_NAME, `already-exists` PATH_EXISTS or `denied` PATH_NOT_WRITABLE
   * if a download could not go there. With a `size`, what has the name already may stay if
   * it could be the very same: something of that size, or a folder. True if nothing has the name, and that is known.
   */
  checkTarget(folder: string, name: string, size?: number): Promise<boolean>;
  /**
   * Tries in the folder itself what would otherwise fail when all of a download is fetched: its names, its
   * largest file, its move to its place. Throws `precondition` NAME_REFUSED, NAMES_COLLIDE or
   * OTHER_FILE_SYSTEM, `invalid` NAME_TOO_LONG, `exhausted` FILE_TOO_LARGE, and what a disk refuses.
   */
  rehearse(content: Named, folder: string): Promise<void>;
  /** What may still be written in a folder that is there: bytes, files, and on which device. Undefined where nobody can say. Throws `unavailable`, DISK_SILENT. */
  room(folder: string): Promise<{ device: bigint; bytes: number; files: number } | undefined>;
  /**
   * Moves what is assembled of a download to where one into another folder is assembled. Throws
   * `precondition`, ELSEWHERE, if that is another file system.
   */
  moveDownload(metainfo: Metainfo, from: string, to: string): Promise<void>;
  /** How one place lies to another, as the file system sees it. Throws `unavailable`, DISK_SILENT, if that of the first says nothing. */
  relate(place: Place, other: Place): Promise<PlaceRelation>;
}

/** What is known to be on disk of one download, through crashes. */
export interface ProgressLog {
  /**
   * `have` was on the disk itself; `unsure` was verified, but may not have reached it.
   * Undefined if what was saved cannot be read: only hashing tells what is there.
   */
  load(pieceCount: number): Promise<{ have: Bitfield; unsure: readonly number[] } | undefined>;
  /** A piece was verified. Survives the end of the process, but maybe not of the machine. */
  note(piece: number): void;
  /** All of `have` is on the disk itself: call {@link PieceStore.flush} first. */
  save(have: Bitfield): Promise<void>;
  /** Nothing is there any more: what was saved and noted is forgotten, through any crash. */
  clear(): Promise<void>;
}

/** The data folder. */
export interface TransferArchive {
  load(): Promise<TransferRecord[]>;
  /**
   * Resolves when these records survive any crash; those of other transfers stay as they were saved. Costs what they
   * take, however many others there are; calls made at the same time share the syncs of the disk. After a failure
   * some of them may have been saved: save them again.
   */
  save(records: readonly TransferRecord[]): Promise<void>;
  readMetainfo(infohash: InfoHash): Promise<Metainfo | undefined>;
  writeMetainfo(metainfo: Metainfo): Promise<void>;
  progress(infohash: InfoHash): ProgressLog;
  /** There is no such transfer from now on, through any crash, whatever is saved. */
  disown(infohash: InfoHash): Promise<void>;
  /** Takes {@link disown} back: there is such a transfer, or there is one again. */
  keep(infohash: InfoHash): void;
  /** Forgets all files and the record of a transfer. */
  remove(infohash: InfoHash): Promise<void>;
}

/** Where the ban list is kept. */
export interface BanArchive {
  load(): Promise<Ban[]>;
  /** Resolves when these, and no others, survive a crash. */
  save(bans: readonly Ban[]): Promise<void>;
}

/** A peer as the tracker names it. */
export interface PeerAddress {
  readonly peerId: PeerId;
  readonly name: string;
  readonly endpoint: string;
  /** All addresses at which it may be reached, best first. @default `endpoint` alone */
  readonly endpoints?: readonly string[];
  readonly seeder: boolean;
  /** What it says of where it stands. @default nothing */
  readonly labels?: Labels;
}

/** An event of a source as its link tells it: a block comes with its bytes, an end with its reason. Nothing comes after `source-left`. */
export type SourceNews =
  | Exclude<SourceEvent, { type: 'block-arrived' | 'source-left' }>
  | (Extract<SourceEvent, { type: 'block-arrived' }> & { readonly data: Buffer })
  | (Extract<SourceEvent, { type: 'source-left' }> & {
      readonly error: EnjambreError;
      /** True if it was ended by {@link BlockSource.close}. */
      readonly byUs: boolean;
    });

/** A source of the blocks of one file. */
export interface BlockSource {
  readonly id: PeerId;
  readonly kind: 'peer';
  request(id: number, place: { piece: number; begin: number; length: number }): void;
  /** Asks for a block of the uploader's choice, of a piece whose index is `residue` modulo `modulus`. */
  requestAny(id: number, of: { modulus: number; residue: number }): void;
  cancel(id: number): void;
  /** How fast blocks should come: bytes a second, 0 for as fast as they can. */
  pace(bytesPerSecond: number): void;
  have(pieces: readonly number[]): void;
  /** Ends the link, of which `source-left` is told. @param piece the one that was bad, if that is why */
  close(reason: string, message: string, piece?: number): void;
}

export interface PeerConnector {
  /** Opens a link to an uploader. `have` is what we have, read when it is sent. `tell` hears all that happens, never before this returns. */
  open(
    peer: PeerAddress,
    what: { infohash: InfoHash; layout: PieceLayout; have: Bitfield },
    tell: (news: SourceNews) => void,
  ): BlockSource;
  /**
   * Fetches and checks the metainfo of a file. Throws {@link EnjambreError}.
   *
   * @param progress hears how many bytes have come, and how many the peer says there are
   */
  fetchMetainfo(
    peer: PeerAddress,
    infohash: InfoHash,
    signal: AbortSignal,
    progress?: (bytes: number, total: number) => void,
  ): Promise<Metainfo>;
}

/** What the catalogue tells of a file. */
export interface FileSummary {
  readonly name: string;
  readonly size: number;
  readonly pieceLength: number;
  readonly fileCount: number;
}

/** What this agent is in one swarm; said again whenever a session opens. */
export interface Membership {
  readonly infohash: InfoHash;
  /** True if it was shared from here: a Share is said instead of an Announce. */
  readonly origin: boolean;
  readonly file: FileSummary | undefined;
  readonly bytesLeft: number;
  readonly bytesDownloaded: number;
  readonly bytesUploaded: number;
}

/**
 * `update` says all of it again; `numbers` says only how many bytes it is about; `shared`
 * says that it is offered again after it was withdrawn.
 */
export type MembershipEvent = 'update' | 'numbers' | 'started' | 'completed' | 'shared' | 'paused' | 'failed';

export interface SwarmListener {
  /** All peers (`snapshot`), or those that joined or changed, and those that left. */
  peers(change: { snapshot: boolean; upserted: readonly PeerAddress[]; removed: readonly PeerId[] }): void;
}

/** Whom this agent has banned, why, and in which swarm. */
export interface BanReport {
  readonly peerId: PeerId;
  readonly reason: string;
  readonly infohash: InfoHash;
}

/** Finds the peers of a swarm. */
export interface Discovery {
  /** False while nothing new can be known. */
  readonly connected: boolean;
  watch(infohash: InfoHash, listener: SwarmListener): void;
  /** Those that are named do not do: more, or others, are named to the listener in a snapshot, as many as a tracker names. */
  widen(infohash: InfoHash): void;
  unwatch(infohash: InfoHash): void;
}

/** The agent's session with its tracker, as far as transfers need it. */
export interface TrackerPort extends Discovery {
  /** Enters a swarm, or tells news of it. */
  announce(membership: Membership, event: MembershipEvent, reason?: string): void;
  withdraw(infohash: InfoHash): void;
  /** Tells the network that this agent has banned a peer; while there is no session, when there is one. */
  reportBan(ban: BanReport): void;
  /** What the tracker knows. Throws `unavailable` NO_TRACKER. */
  findFiles(query: string): Promise<readonly (FileSummary & { infohash: InfoHash })[]>;
}

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
  /** Looks at a file or folder. Throws {@link EnjambreError} if it cannot be shared. */
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
   * written to, or has another mode. Undefined if the folder is not there. Throws {@link EnjambreError}.
   */
  look(): Promise<ReadonlyMap<string, string> | undefined>;
  /** How one entry looks; undefined if it is not there. */
  lookAt(name: string): Promise<string | undefined>;
  /** Begins to tell of changes, of each time the folder is there: `look` finds out. Called once. */
  watch(listener: FolderListener): void;
  close(): Promise<void>;
}

/** Where an inbox is kept. */
export interface InboxArchive {
  load(): Promise<InboxEntry[]>;
  /** Resolves when the entries survive a crash. */
  append(entries: readonly InboxEntry[]): Promise<void>;
  /** Puts these in the place of all before. */
  replace(entries: Iterable<InboxEntry>): Promise<void>;
}

export interface Room {
  readonly name: string;
  /** Names of the members. */
  readonly members: readonly string[];
}

export interface Page {
  /** 0 lets the relay choose. */
  readonly size: number;
  readonly token: string;
}

/** A message on its way to this agent. */
export interface Delivery {
  /** To acknowledge it by; counts up. */
  readonly deliveryId: bigint;
  readonly message: ChatMessage;
}

/** What the relay has to deliver. */
export interface DeliveryListener {
  /** Id of the delivery that was received last; 0 if there was none. */
  readonly cursor: bigint;
  /** False while nothing more can be kept: then nothing is to be delivered. */
  readonly hasRoom: boolean;
  /** Keeps messages. When it resolves, they may be acknowledged. */
  deliver(deliveries: readonly Delivery[]): Promise<void>;
  /** There is a session: rooms may have been forgotten. */
  connected(): void;
}

/** What the relay says of a message that it took. */
export interface Receipt {
  readonly sentAtMs: number;
  /** True if it had been taken before. */
  readonly duplicate: boolean;
  /** How many get it, and how many do not because too much waits for them. */
  readonly receivers: number;
  readonly skipped: number;
}

/** The agent's session with its messaging service. Throws `unavailable` MESSAGING_UNREACHABLE while there is none. */
export interface RelayPort {
  /** Says who takes deliveries. Called once, before it starts. */
  receive(listener: DeliveryListener): void;
  /** There is room for deliveries: if they were stopped for want of it, they go on. */
  wake(): void;
  send(message: { id: string; target: MessageTarget; text: string }): Promise<Receipt>;
  history(
    target: MessageTarget | undefined,
    page: Page,
  ): Promise<{ messages: readonly ChatMessage[]; nextToken: string }>;
  joinRoom(room: string): Promise<Room>;
  leaveRoom(room: string): Promise<void>;
  rooms(page: Page): Promise<{ rooms: readonly Room[]; nextToken: string }>;
}
