import {
  Distance,
  TransferState,
  type Transfer,
  type TransferPeer,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent } from '../agent-client.js';
import type { Session } from '../context.js';
import type { Output, Screen } from '../output.js';
import { transferRef } from '../ref.js';
import { forEach } from '../several.js';
import { crossedText, distanceText } from '../render/distance.js';
import { secondsOf, transferJson } from '../render/json.js';
import { isLimited, limitsText } from '../render/limits.js';
import { table } from '../render/table.js';
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
} from '../render/text.js';
import { stateWord, type StateWord } from '../render/transfer-state.js';
import { reasonOf } from '../transfer-wording.js';

/** `enjambre ls`: the transfers of the agent. */
export async function list(session: Session): Promise<void> {
  const transfers = await withAgent(session, (agent) => agent.transfers());
  const { output } = session;
  for (const transfer of transfers) output.object(transferJson('transfer', transfer));
  if (transfers.length === 0) {
    output.hint('no transfers yet: start one with `enjambre share PATH` or `enjambre get REF`');
    return;
  }
  output.line(transferTable(transfers, output));
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

function transferTable(transfers: readonly Transfer[], screen: Screen): string {
  const columns = [
    { title: 'name' },
    { title: 'state' },
    { title: 'done', align: 'right' },
    { title: 'size', align: 'right' },
    { title: 'down', align: 'right' },
    { title: 'up', align: 'right' },
    { title: 'peers', align: 'right' },
    { title: 'infohash' },
  ] as const;
  const rows = transfers.map((transfer) => [
    plain(transfer.name),
    stateColor(stateWord(transfer.state), screen.colors),
    isInDoubt(transfer) ? '?' : formatPercent(transfer.bytesDone, transfer.bytesTotal),
    transfer.bytesTotal === 0n ? '?' : formatBytes(transfer.bytesTotal),
    rateOrDash(transfer.downloadRate),
    rateOrDash(transfer.uploadRate),
    String(transfer.peers.filter(({ connected }) => connected).length),
    shortDigits(transfer.infohash),
  ]);
  return table(columns, rows, screen);
}

function describe(transfer: Transfer, screen: Screen, now: number): string[] {
  const { colors } = screen;
  const facts = transferFacts(transfer, colors, now).filter(([, value]) => value !== '');
  const lines = facts.map(([title, value]) => `  ${colors.dim(title.padEnd(10))}${value}`);
  const peers = transfer.peers.length === 0 ? [] : ['', peerTable(transfer.peers, screen)];
  return [colors.bold(plain(transfer.name)), ...lines, ...peers];
}

function transferFacts(
  transfer: Transfer,
  colors: Output['colors'],
  now: number,
): (readonly [title: string, value: string])[] {
  const state = stateWord(transfer.state);
  const done = formatPercent(transfer.bytesDone, transfer.bytesTotal);
  const left = secondsOf(transfer.timeLeft);
  const active = secondsOf(transfer.activeTime) ?? 0;
  const known = transfer.bytesTotal > 0n;
  const counted = known && !isInDoubt(transfer);
  return [
    ['state', `${stateColor(state, colors)}${counted && state !== 'seeding' ? `, ${done}` : ''}`],
    ['reason', plain(reasonOf(transfer))],
    ['warning', plain(transfer.warning)],
    ['size', known ? sizeOf(transfer) : 'not known yet'],
    ['done', counted ? `${formatBytes(transfer.bytesDone)}, ${count(transfer.piecesDone, 'piece')}` : ''],
    ['rate', rates(transfer) + (left === undefined ? '' : `, ${formatSeconds(left)} left`)],
    ['limits', isLimited(transfer) ? limitsText(transfer) : ''],
    ['received', `${formatBytes(transfer.bytesDownloaded)}${wasted(transfer)}`],
    ['sent', formatBytes(transfer.bytesUploaded)],
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

/** Complete at the last check, but failed or missing since then: only `verify` can tell how much is left. */
function isInDoubt({ state, bytesDone, bytesTotal }: Transfer): boolean {
  const isInQuestion = state === TransferState.FAILED || state === TransferState.MISSING;
  return isInQuestion && bytesDone === bytesTotal;
}

function sizeOf(transfer: Transfer): string {
  const files = transfer.fileCount > 1 ? `, ${count(transfer.fileCount, 'file')}` : '';
  const pieces = `${count(transfer.piecesTotal, 'piece')} of ${formatBinary(transfer.pieceLength)}`;
  return `${formatBytes(transfer.bytesTotal)}${files}, ${pieces}`;
}

function rates(transfer: Transfer): string {
  return `down ${formatRate(transfer.downloadRate)}, up ${formatRate(transfer.uploadRate)}`;
}

function wasted(transfer: Transfer): string {
  return transfer.bytesWasted === 0n ? '' : `, of which ${formatBytes(transfer.bytesWasted)} were discarded`;
}

function crossed({ traffic }: Transfer): string {
  const text = crossedText(traffic);
  return text === '' ? '' : `zones: ${text}`;
}

function peerTable(peers: readonly TransferPeer[], screen: Screen): string {
  // Without labels, no distance is known.
  const isKnown = peers.some(({ distance }) => distance !== Distance.UNSPECIFIED);
  const columns = [
    { title: 'peer' },
    { title: 'id' },
    { title: 'endpoint' },
    ...(isKnown ? [{ title: 'distance' }] : []),
    { title: 'received', align: 'right' },
    { title: 'sent', align: 'right' },
    { title: 'down', align: 'right' },
    { title: 'up', align: 'right' },
    { title: 'status' },
  ] as const;
  const rows = peers.map((peer) => [
    plain(peer.name),
    shortDigits(peer.peerId),
    plain(peer.endpoint) || '-',
    ...(isKnown ? [distanceText(peer.distance)] : []),
    formatBytes(peer.bytesReceived),
    formatBytes(peer.bytesSent),
    rateOrDash(peer.receiveRate),
    rateOrDash(peer.sendRate),
    peerStanding(peer, screen.colors),
  ]);
  return table(columns, rows, screen);
}

function peerStanding(peer: TransferPeer, colors: Output['colors']): string {
  if (peer.banned !== '') return colors.red(`banned: ${plain(peer.banned)}`);
  return peer.connected ? 'connected' : colors.dim('disconnected');
}

function rateOrDash(rate: bigint): string {
  return rate === 0n ? '-' : formatRate(rate);
}

function stateColor(state: StateWord, colors: Output['colors']): string {
  if (state === 'failed') return colors.red(state);
  if (state === 'seeding') return colors.green(state);
  return state === 'paused' || state === 'missing' ? colors.yellow(state) : state;
}
