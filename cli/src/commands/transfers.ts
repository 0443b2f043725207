import type { Transfer, TransferPeer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent } from '../agent-client.js';
import type { Session } from '../context.js';
import type { Output, Screen } from '../output.js';
import { transferRef } from '../ref.js';
import { forEach } from '../several.js';
import { crossedText, distanceText } from '../render/distance.js';
import { secondsOf, transferJson } from '../render/json.js';
import { factLines, type Fact } from '../render/facts.js';
import { isLimited, limitsText } from '../render/limits.js';
import { chosen, printList, tableOf, type ListColumn } from '../render/listing.js';
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
} from '../render/text.js';
import { isInDoubt, rateOrDash, stateColor, TRANSFER_LIST } from '../render/transfer-list.js';
import { stateWord } from '../render/transfer-state.js';
import { reasonOf } from '../transfer-wording.js';

/** `enjambre ls`: the transfers of the agent. */
export async function list(session: Session): Promise<void> {
  const transfers = await withAgent(session, (agent) => agent.transfers());
  printList(session.output, transfers, TRANSFER_LIST);
  if (transfers.length === 0)
    session.output.hint('no transfers yet: start one with `enjambre share PATH` or `enjambre get REF`');
}

/** `enjambre status`: transfers in detail. */
export async function status(session: Session, refs: readonly string[]): Promise<void> {
  const { output, context } = session;
  await forEach(session, refs, async (ref) => {
    const found = await withAgent(session, async (agent) => agent.transfer(await transferRef(ref, session)));
    output.object(transferJson('transfer', found));
    if (ref !== refs[0]) output.line();
    for (const line of describe(found, output, context.now())) output.line(line);
  });
}

function describe(transfer: Transfer, screen: Screen, now: number): string[] {
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
  const done = formatPercent(transfer.doneBytes, transfer.sizeBytes);
  const left = secondsOf(transfer.timeLeft);
  const active = secondsOf(transfer.activeTime) ?? 0;
  const known = transfer.sizeBytes > 0n;
  const counted = known && !isInDoubt(transfer);
  return [
    ['state', `${stateColor(state, colors)}${counted && state !== 'seeding' ? `, ${done}` : ''}`],
    ['reason', plain(reasonOf(transfer))],
    ['warning', plain(transfer.warning)],
    ['size', known ? sizeOf(transfer) : 'not known yet'],
    ['done', counted ? `${formatBytes(transfer.doneBytes)}, ${count(transfer.donePieceCount, 'piece')}` : ''],
    ['rate', rates(transfer) + (left === undefined ? '' : `, ${timeLeftText(left)}`)],
    ['limits', isLimited(transfer) ? limitsText(transfer) : ''],
    ['received', `${formatBytes(transfer.downloadedBytes)}${wasted(transfer)}`],
    ['sent', formatBytes(transfer.uploadedBytes)],
    ['crossed', crossed(transfer)],
    ['time', active > 0 ? `${formatSeconds(active)} downloading` : ''],
    ['path', plain(transfer.path)],
    ...transfer.otherPaths.map((path) => ['also at', plain(path)] as const),
    ['infohash', plain(transfer.infohash)],
    ['origin', transfer.origin ? 'shared from here' : 'downloaded'],
    ['added', formatAgo(transfer.addedAt, now)],
    ['completed', formatAgo(transfer.completedAt, now)],
  ];
}

function sizeOf(transfer: Transfer): string {
  const files = transfer.fileCount > 1 ? `, ${count(transfer.fileCount, 'file')}` : '';
  const pieces = `${count(transfer.pieceCount, 'piece')} of ${formatBinary(transfer.pieceLength)}`;
  return `${formatBytes(transfer.sizeBytes)}${files}, ${pieces}`;
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
