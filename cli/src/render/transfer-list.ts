import { TransferState, type Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Output } from '../output.js';
import { transferJson } from './json.js';
import type { Listing } from './listing.js';
import { selectedBytesOf, sizeText } from './selected.js';
import { formatBytes, formatPercent, formatRate, plain, shortDigits } from './text.js';
import { stateWord, type StateWord } from './transfer-state.js';

/** The list of an agent's transfers. */
export const TRANSFER_LIST: Listing<Transfer> = {
  columns: [
    { title: 'name', text: ({ name }) => plain(name) },
    {
      title: 'state',
      text: ({ state }, { colors }) => stateColor(stateWord(state), colors),
      overflow: 'keep',
    },
    {
      title: 'done',
      align: 'right',
      text: (transfer) =>
        isInDoubt(transfer) ? '?' : formatPercent(transfer.doneBytes, selectedBytesOf(transfer)),
      value: (transfer) =>
        transfer.sizeBytes === 0n ? 0 : Number(transfer.doneBytes) / Number(selectedBytesOf(transfer)),
    },
    {
      title: 'size',
      align: 'right',
      text: (transfer) => (transfer.sizeBytes === 0n ? '?' : sizeText(transfer)),
      value: selectedBytesOf,
    },
    {
      title: 'down',
      align: 'right',
      text: ({ downloadRate }) => rateOrDash(downloadRate),
      value: ({ downloadRate }) => downloadRate,
    },
    {
      title: 'up',
      align: 'right',
      text: ({ uploadRate }) => rateOrDash(uploadRate),
      value: ({ uploadRate }) => uploadRate,
    },
    {
      title: 'peers',
      align: 'right',
      text: (transfer) => String(connectedPeers(transfer)),
      value: connectedPeers,
    },
    {
      title: 'version',
      text: versionText,
      value: ({ publication }) => publication?.version,
      overflow: 'keep',
    },
    { title: 'infohash', text: ({ infohash }) => shortDigits(infohash), overflow: 'keep' },
    { title: 'path', text: ({ path }) => plain(path), wide: true },
    {
      title: 'sent',
      align: 'right',
      text: ({ uploadedBytes }) => formatBytes(uploadedBytes),
      value: ({ uploadedBytes }) => uploadedBytes,
      wide: true,
    },
    { title: 'ratio', align: 'right', text: ratioText, value: ratioOf, wide: true },
    { title: 'reason', text: ({ reason }) => plain(reason), wide: true },
    {
      title: 'added',
      text: ({ addedAt }) => addedAt?.toISOString() ?? '',
      wide: true,
    },
  ],
  json: (transfer) => transferJson('transfer', transfer),
  id: ({ infohash }) => plain(infohash),
};

/** Its version, and whether it moves to newer ones. */
function versionText({ publication, follow }: Transfer): string {
  if (!publication) return '';
  return follow ? `${String(publication.version)}, follows` : String(publication.version);
}

function connectedPeers({ peers }: Transfer): number {
  return peers.filter(({ connected }) => connected).length;
}

/** Complete at the last check, but failed or missing since then: only `verify` can tell how much is left. */
export function isInDoubt(transfer: Transfer): boolean {
  const { state, doneBytes } = transfer;
  const isInQuestion = state === TransferState.FAILED || state === TransferState.MISSING;
  return isInQuestion && doneBytes === selectedBytesOf(transfer);
}

/** Bytes sent, divided by the size. */
function ratioOf(transfer: Transfer): number {
  const bytes = selectedBytesOf(transfer);
  return bytes === 0n ? 0 : Number(transfer.uploadedBytes) / Number(bytes);
}

/** `1.52`, or `-` if nothing was sent */
export function ratioText(transfer: Transfer): string {
  return transfer.uploadedBytes === 0n ? '-' : ratioOf(transfer).toFixed(2);
}

export function rateOrDash(rate: bigint): string {
  return rate === 0n ? '-' : formatRate(rate);
}

export function stateColor(state: StateWord, colors: Output['colors']): string {
  if (state === 'failed') return colors.red(state);
  if (state === 'seeding') return colors.green(state);
  return state === 'paused' || state === 'missing' ? colors.yellow(state) : state;
}
