import type { Transfer, TransferPeer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Output, Screen } from '../output.js';
import { messageOf } from '../transfer-wording.js';
import { crossedText, distanceText } from './distance.js';
import { factLines, type Fact } from './facts.js';
import { secondsOf } from './json.js';
import { isLimited, limitsText } from './limits.js';
import { chosen, tableOf, type ListColumn } from './listing.js';
import {
  count,
  formatAgo,
  formatBinary,
  formatBytes,
  formatPercent,
  formatRate,
  formatSeconds,
  plain,
  shortDigits,
  timeLeftText,
} from './text.js';
import { selectedBytesOf } from './selected.js';
import { isInDoubt, rateOrDash, ratioText, stateColor } from './transfer-list.js';
import { isWhole, stateWord } from './transfer-state.js';

/** A transfer in detail, with its peers. */
export function describeTransfer(transfer: Transfer, screen: Screen, now: number): string[] {
  const { colors } = screen;
  const peers = transfer.peers.length === 0 ? [] : ['', peerTable(transfer.peers, screen)];
  return [
    colors.bold(plain(transfer.name)),
    ...factLines(transferFacts(transfer, colors, now), screen),
    ...peers,
  ];
}

function transferFacts(transfer: Transfer, colors: Output['colors'], now: number): Fact[] {
  const state = stateWord(transfer.state);
  const done = formatPercent(transfer.doneBytes, selectedBytesOf(transfer));
  const left = secondsOf(transfer.timeLeft);
  const known = transfer.sizeBytes > 0n;
  const counted = known && !isInDoubt(transfer);
  return [
    ['state', `${stateColor(state, colors)}${counted && !isWhole(transfer) ? `, ${done}` : ''}`],
    ['reason', plain(messageOf(transfer))],
    ['warning', plain(transfer.warning)],
    ['size', known ? sizeOf(transfer) : 'not known yet'],
    ['selected', selectedText(transfer)],
    ['done', counted ? `${formatBytes(transfer.doneBytes)}, ${count(transfer.donePieceCount, 'piece')}` : ''],
    ['rate', rates(transfer) + (left === undefined ? '' : `, ${timeLeftText(left)}`)],
    ['limits', isLimited(transfer) ? limitsText(transfer) : ''],
    ['received', `${formatBytes(transfer.downloadedBytes)}${wasted(transfer)}`],
    ['sent', sentText(transfer)],
    ['crossed', crossed(transfer)],
    ['time', timeText(transfer)],
    ['path', plain(transfer.path)],
    ...transfer.otherPaths.map((path) => ['also at', plain(path)] as const),
    ['version', publicationText(transfer)],
    ['infohash', plain(transfer.infohash)],
    ['origin', transfer.origin ? 'shared from here' : 'downloaded'],
    ['added', formatAgo(transfer.addedAt, now)],
    ['completed', formatAgo(transfer.completedAt, now)],
  ];
}

function timeText({ activeTime, seedingTime }: Transfer): string {
  const spent = [
    [secondsOf(activeTime) ?? 0, 'downloading'],
    [secondsOf(seedingTime) ?? 0, 'seeding'],
  ] as const;
  return spent
    .filter(([seconds]) => seconds > 0)
    .map(([seconds, what]) => `${formatSeconds(seconds)} ${what}`)
    .join(', ');
}

function sentText(transfer: Transfer): string {
  const ratio = ratioText(transfer);
  return `${formatBytes(transfer.uploadedBytes)}${ratio === '-' ? '' : `, ratio ${ratio}`}`;
}

/** Its version and publisher, and whether it moves to newer ones. */
function publicationText({ publication, follow }: Transfer): string {
  if (!publication) return '';
  const { publisher, version } = publication;
  const by = `${plain(publisher?.name ?? '')} (${shortDigits(publisher?.id ?? '')})`;
  return `${String(version)} of ${by}${follow ? ', follows each newer one' : ''}`;
}

function sizeOf(transfer: Transfer): string {
  const files = transfer.fileCount > 1 ? `, ${count(transfer.fileCount, 'file')}` : '';
  const pieces = `${count(transfer.pieceCount, 'piece')} of ${formatBinary(transfer.pieceLength)}`;
  return `${formatBytes(transfer.sizeBytes)}${files}, ${pieces}`;
}

/** The selected files; empty if all are. */
function selectedText(transfer: Transfer): string {
  const { select, selectedFileCount, selectedPieceCount } = transfer;
  if (select.length === 0) return '';
  const patterns = select.map((pattern) => plain(pattern)).join(', ');
  if (selectedFileCount === 0) return patterns;
  const files = `${count(selectedFileCount, 'file')}, ${count(selectedPieceCount, 'piece')}`;
  return `${formatBytes(selectedBytesOf(transfer))}, ${files}: ${patterns}`;
}

function rates(transfer: Transfer): string {
  return `down ${formatRate(transfer.downloadRate)}, up ${formatRate(transfer.uploadRate)}`;
}

function wasted(transfer: Transfer): string {
  return transfer.wastedBytes === 0n ? '' : `, of which ${formatBytes(transfer.wastedBytes)} were discarded`;
}

function crossed({ traffic }: Transfer): string {
  const text = crossedText(traffic);
  return text === '' ? '' : `zones: ${text}`;
}

function peerTable(peers: readonly TransferPeer[], screen: Screen): string {
  const isEmpty = ({ text }: ListColumn<TransferPeer>): boolean =>
    peers.every((peer) => ['', '-'].includes(text(peer, screen)));
  // Without labels, no distance is known.
  const columns = PEER_COLUMNS.filter((column) => column.title !== 'distance' || !isEmpty(column));
  return tableOf(peers, chosen(columns, screen), screen);
}

const PEER_COLUMNS: readonly ListColumn<TransferPeer>[] = [
  { title: 'peer', text: ({ name }) => plain(name) },
  { title: 'id', text: ({ id: peerId }) => shortDigits(peerId), wide: true },
  { title: 'endpoint', text: ({ endpoint }) => plain(endpoint) || '-', wide: true },
  { title: 'distance', text: ({ distance }) => distanceText(distance), overflow: 'keep' },
  { title: 'received', align: 'right', text: ({ downloadedBytes }) => formatBytes(downloadedBytes) },
  { title: 'sent', align: 'right', text: ({ uploadedBytes }) => formatBytes(uploadedBytes) },
  { title: 'down', align: 'right', text: ({ downloadRate }) => rateOrDash(downloadRate) },
  { title: 'up', align: 'right', text: ({ uploadRate }) => rateOrDash(uploadRate) },
  { title: 'status', text: (peer, { colors }) => peerStanding(peer, colors) },
];

function peerStanding(peer: TransferPeer, colors: Output['colors']): string {
  if (peer.banMessage !== '') return colors.red(`banned: ${plain(peer.banMessage)}`);
  return peer.connected ? 'connected' : colors.dim('disconnected');
}
