import type { BlockPlace } from '../block.js';
import type { BlockRequest, Part, UploadFile } from './messages.js';
import type { PacedPart } from './pacing.js';
import type { PieceClass } from './piece-class.js';
import type { SuperSeedBlocks } from './super-seed-blocks.js';
import type { SuperSeedMember } from './super-seeding.js';
import type { UploadAllowance } from './upload-allowance.js';

/** A downloader of a file. */
export interface DownloaderState<Downloader, Stream> {
  readonly downloader: Downloader;
  readonly party: unknown;
  readonly file: UploadFile;
  readonly streams: Set<StreamState<Downloader, Stream>>;
  /** Set once its bitfield has arrived. */
  seat: { readonly member: SuperSeedMember; readonly blocks: SuperSeedBlocks } | undefined;
}

/** A stream of a downloader. */
export interface StreamState<Downloader, Stream> {
  readonly stream: Stream;
  readonly owner: DownloaderState<Downloader, Stream>;
  readonly allowance: UploadAllowance;
  /** Blocks being sent, by the id of their requests. */
  readonly sending: Map<number, Sending>;
  /** Bytes taken from its allowance that have not been sent yet. */
  underWay: number;
  /** Bytes of these that were read and wait for the downloader. */
  onWire: number;
  /** When some of those were last sent, or the first of them were read. */
  progressMs: number;
  /** When to review requests that are held back; undefined if there are none. */
  wakeMs: number | undefined;
}

/** A block that is being sent. */
export interface Sending {
  readonly request: BlockRequest;
  readonly place: BlockPlace;
  readonly inParts: boolean;
  /** Length of its part on the wire; 0 if there is none. */
  onWire: number;
}

/** The rest of a block that is sent in parts. */
export interface Rest<Downloader, Stream> extends PacedPart {
  readonly state: StreamState<Downloader, Stream>;
  readonly id: number;
  readonly part: Part;
}

/** The downloaders of one file. */
export interface FileState<Downloader, Stream> {
  readonly downloaders: Set<DownloaderState<Downloader, Stream>>;
  superSeeds: boolean;
}

/** A downloader that reads nothing for this long loses the memory that it holds, if others wait for it. */
const STALL_MS = 2000;

/** The state of a stream that was just opened. */
export function newStream<Downloader, Stream>(
  stream: Stream,
  owner: DownloaderState<Downloader, Stream>,
  allowance: UploadAllowance,
): StreamState<Downloader, Stream> {
  const sending = new Map<number, Sending>();
  return { stream, owner, allowance, sending, underWay: 0, onWire: 0, progressMs: 0, wakeMs: undefined };
}

/**
 * The stream that loses the memory it holds, and when: of those that hold more than an equal share and have read nothing
 * for too long, the first. A slow uplink fills equal shares with honest streams: they lose nothing.
 */
export function firstStalled<Stream extends { readonly onWire: number; readonly progressMs: number }>(
  streams: Iterable<Stream>,
  maxBytes: number,
): { readonly stream: Stream; readonly atMs: number } | undefined {
  const holding = [...streams].filter(({ onWire }) => onWire > 0);
  let first: Stream | undefined;
  for (const stream of holding)
    if (stream.onWire > maxBytes / holding.length && stream.progressMs < (first?.progressMs ?? Infinity))
      first = stream;
  return first && { stream: first, atMs: first.progressMs + STALL_MS };
}

/** The block to send to a downloader that leaves the choice; only an uploader that has all pieces can choose well. */
export function chosenBlock<Downloader, Stream>(
  { file, seat }: DownloaderState<Downloader, Stream>,
  of: PieceClass,
  nowMs: number,
): BlockPlace | 'later' | 'none' {
  if (!seat || !file.have.isFull()) return 'none';
  return seat.blocks.next(of, nowMs);
}
