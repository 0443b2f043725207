import type { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { Content } from '../content.js';
import type { Ledger, PeerAccount } from '../agent/ledger.js';

export type TransferState =
  'resolving' | 'checking' | 'downloading' | 'seeding' | 'missing' | 'paused' | 'failed';

/** A transfer as it stands, for whoever asks. */
export interface TransferView {
  readonly record: TransferRecord;
  readonly state: TransferState;
  /** Why it failed, or what it waits for; empty otherwise. */
  readonly reason: string;
  readonly path: string;
  readonly pieceLength: number;
  readonly piecesTotal: number;
  readonly piecesDone: number;
  /** Of the check under way; 0 while none is. */
  readonly piecesChecked: number;
  readonly fileCount: number;
  /** Bytes a second. */
  readonly downloadRate: number;
  readonly uploadRate: number;
  readonly peers: readonly (PeerAccount & { readonly banned: string })[];
}

/** What a view is made of. */
interface ViewParts
  extends Omit<TrafficState, 'downloads'>, Pick<WaitingFor, 'checked' | 'waiting' | 'trackerAway'> {
  readonly record: TransferRecord;
  readonly state: TransferState;
  readonly content: Content | undefined;
  readonly have: Bitfield | undefined;
  readonly ledger: Ledger;
}

export function viewOf(parts: ViewParts): TransferView {
  const { record, state, content, have, ledger } = parts;
  return {
    record,
    state,
    reason: reasonOf(record, state, { ...parts, pieces: content?.layout.pieceCount ?? 0 }),
    ...contentView(content, have, record),
    ...trafficView(ledger, { ...parts, downloads: state === 'downloading' }),
    path: content?.store.path ?? record.location,
    piecesChecked: state === 'checking' ? parts.checked : 0,
  };
}

/** What is known of the content; zeros until the metainfo is there. Until its pieces were looked at, the record counts. */
function contentView(
  content: Content | undefined,
  have: Bitfield | undefined,
  { bytesDone, bytesTotal }: TransferRecord,
): Pick<TransferView, 'pieceLength' | 'piecesTotal' | 'piecesDone' | 'fileCount'> {
  const pieceLength = content?.metainfo.pieceLength ?? 0;
  const piecesTotal = content?.layout.pieceCount ?? 0;
  const recorded = bytesDone === bytesTotal ? piecesTotal : Math.ceil(bytesDone / (pieceLength || Infinity));
  return {
    pieceLength,
    piecesTotal,
    piecesDone: have?.count ?? recorded,
    fileCount: content?.metainfo.files.length ?? 0,
  };
}

/** What was found on disk counts, also if less is there than when it was complete; until then, the record. */
export function bytesDoneOf(
  { complete, goal, bytesTotal, bytesDone }: TransferRecord,
  content: Content | undefined,
  have: Bitfield | undefined,
): number {
  if (have && content) return content.sum.of(have);
  return complete && goal !== 'failed' ? bytesTotal : bytesDone;
}

interface TrafficState {
  readonly downloads: boolean;
  readonly serves: boolean;
  readonly bans: { reasonFor(peer: PeerId): string | undefined };
}

/** Who sends and receives, and how fast. */
function trafficView(
  ledger: Ledger,
  { downloads, serves, bans }: TrafficState,
): Pick<TransferView, 'downloadRate' | 'uploadRate' | 'peers'> {
  const peers = ledger.peers().map((peer) => ({
    ...peer,
    // Meters remember the last two seconds; what has ended has no rate.
    receiveRate: downloads ? peer.receiveRate : 0,
    sendRate: serves ? peer.sendRate : 0,
    banned: bans.reasonFor(peer.peerId) ?? '',
  }));
  return {
    downloadRate: peers.reduce((sum, { receiveRate }) => sum + receiveRate, 0),
    uploadRate: peers.reduce((sum, { sendRate }) => sum + sendRate, 0),
    peers,
  };
}

/** What a transfer that does not get on waits for. */
interface WaitingFor {
  readonly checked: number;
  readonly pieces: number;
  readonly waiting: string;
  readonly trackerAway: boolean;
}

/** Why it failed, how far a check is, or what it waits for; empty otherwise. */
function reasonOf(record: TransferRecord, state: TransferState, waitingFor: WaitingFor): string {
  const { checked, pieces, waiting, trackerAway } = waitingFor;
  if (record.goal === 'failed') return record.reason;
  if (state === 'missing') return waiting;
  if (state === 'checking') return `checked ${checked} of ${pieces} pieces`;
  return waiting !== '' && trackerAway ? `${waiting}; the tracker is not reachable` : waiting;
}

/** The state of a transfer before its content was looked at. */
export function initialState(record: TransferRecord): TransferState {
  if (record.goal === 'run') return firstActiveState(record);
  return record.goal === 'pause' ? 'paused' : 'failed';
}

/** The same for one whose goal is to run. */
export function firstActiveState({ complete, bytesDone }: TransferRecord): 'checking' | 'resolving' {
  return complete || bytesDone > 0 ? 'checking' : 'resolving';
}
