import { formatDuration } from '@enjambre/core/format-duration';
import type {
  DownloadCompleted,
  FileRef,
  MessageSent,
  PeerRef,
} from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { Fact } from './event-bus.js';

/** Digits of a short id, as everywhere. */
const SHORT_ID_DIGITS = 8;
/** Characters of a message's beginning that are shown. */
const MAX_PREVIEW_CHARS = 60;

/** The event as a sentence for people; texts of others are escaped for a terminal. */
export function lineOf({ $case, value }: Fact): string {
  switch ($case) {
    case 'peerConnected':
      return `peer connected: ${idOf(value.peer)} ${value.endpoint === '' ? 'at no address' : `at ${printable(value.endpoint)}`}`;
    case 'peerDisconnected':
      return `peer disconnected: ${idOf(value.peer)}: ${printable(value.message)}`;
    case 'peerBanned': {
      const where = value.file ? ` in ${titleOf(value.file)}` : '';
      return `peer banned: ${idOf(value.peer)} by ${nameOf(value.reporter)}${where}: ${printable(value.message)}`;
    }
    case 'peerThrottled':
      return `events left out: ${value.eventCount} of ${idOf(value.peer)} and other peers at its address in ${formatDuration(Number(value.periodSeconds) * 1000)}`;
    case 'fileShared':
      return `file shared: ${sharedOf(value.file)} by ${nameOf(value.peer)}`;
    case 'fileWithdrawn':
      return `file withdrawn: ${titleOf(value.file)} by ${nameOf(value.peer)}`;
    case 'downloadStarted':
      return `download started: ${titleOf(value.file)} by ${nameOf(value.peer)}`;
    case 'downloadProgressed':
      return `download progressed: ${titleOf(value.file)} by ${nameOf(value.peer)}, ${bytes(value.leftBytes)} left`;
    case 'downloadCompleted':
      return `download completed: ${titleOf(value.file)} by ${nameOf(value.peer)}${unselectedOf(value)}`;
    case 'downloadFailed':
      return `download failed: ${titleOf(value.file)} by ${nameOf(value.peer)}: ${printable(value.message)}`;
    case 'messageSent':
      return `message sent: ${idOf(value.sender)} → ${targetOf(value)}: ${textOf(value)}`;
    case 'messageDelivered':
      return `message delivered: ${idOf(value.sender)} → ${nameOf(value.receiver)}`;
  }
}

function nameOf(peer: PeerRef | undefined): string {
  return printable(peer?.name ?? '');
}

function idOf(peer: PeerRef | undefined): string {
  const [name, id] = [nameOf(peer), `(${shortIdOf(peer?.id)})`];
  // Another peer used the name first.
  return name.endsWith(` ${id}`) ? name : `${name} ${id}`;
}

function sharedOf(file: FileRef | undefined): string {
  return `${printable(file?.name ?? '')} (${bytes(file?.sizeBytes ?? 0n)}, ${shortIdOf(file?.infohash)})`;
}

function unselectedOf({ leftBytes }: DownloadCompleted): string {
  return leftBytes === undefined ? '' : `, which did not select ${bytes(leftBytes)}`;
}

function targetOf({ target, targetName }: MessageSent): string {
  return target.startsWith('room:') ? `room ${printable(targetName)}` : printable(targetName);
}

function titleOf(file: FileRef | undefined): string {
  const id = shortIdOf(file?.infohash);
  return file && file.name !== '' ? `${printable(file.name)} (${id})` : id;
}

/** Escaped like all other texts: an event of another service is not trusted. */
function shortIdOf(id: string | undefined): string {
  return printable((id ?? '').slice(0, SHORT_ID_DIGITS));
}

/** The beginning of a text, or its size where the text is not shown. */
function textOf({ preview, sizeBytes: size }: MessageSent): string {
  if (preview === '' && size > 0n) return bytes(size);
  const shown = printable(preview.slice(0, MAX_PREVIEW_CHARS));
  return preview.length > MAX_PREVIEW_CHARS ? `${shown}…` : shown;
}

/**
 * Escapes characters that could control a terminal or reorder a line: controls, bidi marks, line separators.
 */
function printable(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB'];

/** "512 B", "1.2 GB": decimal units. */
function bytes(count: bigint): string {
  let value = Number(count);
  if (value < 1000) return `${value} B`;
  let unit = -1;
  // 999.95 and above would be rounded to 1000.0.
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}
