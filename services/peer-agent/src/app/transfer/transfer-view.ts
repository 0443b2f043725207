import type { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import { isDoneSeeding, type TransferRecord } from '../../domain/transfer-record.js';
import type { SeedLimits } from '../../domain/limits/seed-limits.js';
import { NO_WAIT, type Wait } from '../download/wait.js';
import type { Content } from '../content.js';
import type { Ledger, PeerAccount } from '../agent/ledger.js';

export type TransferState =
  'resolving' | 'checking' | 'downloading' | 'seeding' | 'missing' | 'paused' | 'finished' | 'failed';

/** Snapshot of a transfer, for the API. */
export interface TransferView {
  readonly record: TransferRecord;
  readonly state: TransferState;
  /** Why it failed or finished, CONTENT_MISSING, or why its progress cannot be saved; empty otherwise. */
  readonly reason: string;
  /** Why it failed or finished, the progress of a check, or what it waits for: a sentence; empty otherwise. */
  readonly message: string;
  readonly path: string;
  readonly pieceLength: number;
  readonly pieceCount: number;
  readonly donePieceCount: number;
  /** Pieces hashed by the current check; 0 if there is none. */
  readonly checkedPieceCount: number;
  readonly fileCount: number;
  /** Pieces and files that are downloaded; all, unless selected. */
  readonly selectedPieceCount: number;
  readonly selectedFileCount: number;
  /** Bytes per second. */
  readonly downloadRate: number;
  readonly uploadRate: number;
  /** Estimate in seconds; undefined if there is none, as while something other than the download takes the time. */
  readonly timeLeft: number | undefined;
  /** Seeding limits in force. */
  readonly seedLimits: SeedLimits;
  readonly peers: readonly (PeerAccount & { readonly banned: string })[];
}

/** What a transfer waits for now. */
export function waitOf(
  search: { readonly reason: string },
  resolution: { readonly problem: string | undefined },
  download: { readonly problem: Wait } | undefined,
): Wait {
  const message = search.reason || resolution.problem;
  return message === undefined ? (download?.problem ?? NO_WAIT) : { reason: '', message };
}

/** Inputs of a view. */
interface ViewParts
  extends Pick<TrafficState, 'bans'>, Pick<WaitingFor, 'checked' | 'waiting' | 'trackerAway'> {
  readonly record: TransferRecord;
  readonly states: {
    readonly state: TransferState;
    readonly finishing: string;
    readonly serving: object | undefined;
  };
  readonly content: Content | undefined;
  readonly have: Bitfield | undefined;
  readonly ledger: Ledger;
  readonly seedLimits: SeedLimits;
}

export function viewOf(parts: ViewParts): TransferView {
  const { record, content, have, ledger, bans } = parts;
  const { state, finishing, serving } = parts.states;
  const downloads = state === 'downloading' && finishing === '';
  const traffic = trafficView(ledger, { bans, downloads, serves: serving !== undefined });
  return {
    record,
    state,
    reason: state === 'missing' ? 'CONTENT_MISSING' : record.reason || parts.waiting.reason,
    message: messageOf(record, state, { ...parts, finishing, pieces: content?.selection.pieces.count ?? 0 }),
    ...contentView(content, have, record),
    ...traffic,
    timeLeft: timeLeftOf(record, traffic.downloadRate),
    seedLimits: parts.seedLimits,
    path: content?.store.path ?? record.location,
    checkedPieceCount: state === 'checking' ? parts.checked : 0,
  };
}

type ContentFigures = Pick<
  TransferView,
  'pieceLength' | 'pieceCount' | 'donePieceCount' | 'fileCount' | 'selectedPieceCount' | 'selectedFileCount'
>;

/** Figures of the content; zeros until the metainfo is known. Before the pieces are checked, the record counts. */
function contentView(
  content: Content | undefined,
  have: Bitfield | undefined,
  { doneBytes, selectedBytes }: TransferRecord,
): ContentFigures {
  const pieceLength = content?.metainfo.pieceLength ?? 0;
  const pieceCount = content?.layout.pieceCount ?? 0;
  const selectedPieceCount = content?.selection.pieces.count ?? 0;
  const recorded =
    doneBytes === selectedBytes ? selectedPieceCount : Math.ceil(doneBytes / (pieceLength || Infinity));
  return {
    pieceLength,
    pieceCount,
    donePieceCount: have?.count ?? recorded,
    fileCount: content?.metainfo.files.length ?? 0,
    selectedPieceCount,
    selectedFileCount: content?.selection.fileCount ?? 0,
  };
}

/** Bytes found on disk, even if fewer than when the content was complete; before a check, those in the record. */
export function bytesDoneOf(
  { complete, goal, selectedBytes, doneBytes }: TransferRecord,
  content: Content | undefined,
  have: Bitfield | undefined,
): number {
  if (have && content) return content.sum.of(have);
  return complete && goal !== 'failed' ? selectedBytes : doneBytes;
}

interface TrafficState {
  readonly downloads: boolean;
  readonly serves: boolean;
  readonly bans: { reasonFor(peer: PeerId): string | undefined };
}

/** The peers, with the rates in both directions. */
function trafficView(
  ledger: Ledger,
  { downloads, serves, bans }: TrafficState,
): Pick<TransferView, 'downloadRate' | 'uploadRate' | 'peers'> {
  const peers = ledger.peers().map((peer) => ({
    ...peer,
    // Meters cover the last two seconds; traffic that has ended must show no rate.
    downloadRate: downloads ? peer.downloadRate : 0,
    uploadRate: serves ? peer.uploadRate : 0,
    banned: bans.reasonFor(peer.peerId) ?? '',
  }));
  return {
    downloadRate: peers.reduce((sum, { downloadRate }) => sum + downloadRate, 0),
    uploadRate: peers.reduce((sum, { uploadRate }) => sum + uploadRate, 0),
    peers,
  };
}

/** An estimate beyond it, from a rate that is almost zero, says nothing. */
const LONGEST_ESTIMATE_S = 30 * 24 * 3600;

function timeLeftOf({ selectedBytes, doneBytes }: TransferRecord, downloadRate: number): number | undefined {
  const left = selectedBytes - doneBytes;
  if (downloadRate < 1 || left <= 0) return undefined;
  const seconds = left / downloadRate;
  return seconds > LONGEST_ESTIMATE_S ? undefined : seconds;
}

/** Why a transfer makes no progress. */
interface WaitingFor {
  /** What is done with the verified pieces; empty before. */
  readonly finishing: string;
  readonly checked: number;
  readonly pieces: number;
  readonly waiting: Wait;
  readonly trackerAway: boolean;
}

/** Why it failed, how far a check is, or what it waits for; empty otherwise. */
function messageOf(record: TransferRecord, state: TransferState, waitingFor: WaitingFor): string {
  const { checked, finishing, pieces, trackerAway } = waitingFor;
  const { message: waiting } = waitingFor.waiting;
  if (record.goal === 'failed' || state === 'finished') return record.message;
  if (finishing !== '' && (state === 'checking' || state === 'downloading')) return finishing;
  if (state === 'missing') return waiting;
  if (state === 'checking') return `checked ${checked} of ${pieces} pieces`;
  return waiting !== '' && trackerAway ? `${waiting}; the tracker is unreachable` : waiting;
}

/** The state of a transfer whose goal is not `run`. */
export function idleStateOf(record: TransferRecord): 'paused' | 'finished' | 'failed' {
  if (record.goal === 'failed') return 'failed';
  return isDoneSeeding(record) ? 'finished' : 'paused';
}

/** The state of a transfer before its content is checked. */
export function initialState(record: TransferRecord): TransferState {
  if (record.goal === 'run') return firstActiveState(record);
  return idleStateOf(record);
}

/** The same for a transfer with the goal `run`. */
export function firstActiveState({ complete, doneBytes }: TransferRecord): 'checking' | 'resolving' {
  return complete || doneBytes > 0 ? 'checking' : 'resolving';
}
