import type { Logger } from '@enjambre/common/log/logger';
import { shortId } from '@enjambre/core/ids';
import type { FileRef, PublishedEvent, TrackerEvent } from '../domain/events.js';
import type { PeerInfo } from '../domain/peer.js';

interface EventSource {
  subscribe(listener: (event: PublishedEvent) => void): () => void;
}

/** Writes a line for each event to the log, with its facts as fields; progress at debug level only. */
export function startConsole(events: EventSource, log: Logger): void {
  events.subscribe(({ event }) => {
    const level = event.type === 'download.progressed' ? 'debug' : 'info';
    if (log.isLevelEnabled(level)) log[level](fieldsOf(event), lineOf(event));
  });
}

/** The event as a sentence for people; what others chose is made harmless for a terminal. */
export function lineOf(event: TrackerEvent): string {
  const who = printable(event.peer.name);
  switch (event.type) {
    case 'peer.connected':
      return `peer connected: ${idOf(event.peer)} at ${printable(event.peer.endpoint)}`;
    case 'peer.disconnected':
      return `peer disconnected: ${idOf(event.peer)}: ${printable(event.reason)}`;
    case 'file.shared':
      return `file shared: ${printable(event.file.name)} (${bytes(event.file.size)}, ${shortId(event.file.infohash)}) by ${who}`;
    case 'file.withdrawn':
      return `file withdrawn: ${titleOf(event.file)} by ${who}`;
    case 'download.started':
      return `download started: ${titleOf(event.file)} by ${who}`;
    case 'download.progressed':
      return `download progressed: ${titleOf(event.file)} by ${who}, ${bytes(event.bytesLeft)} left`;
    case 'download.completed':
      return `download completed: ${titleOf(event.file)} by ${who}`;
    case 'download.failed':
      return `download failed: ${titleOf(event.file)} by ${who}: ${printable(event.reason)}`;
  }
}

function fieldsOf(event: TrackerEvent): object {
  const { type, peer, ...facts } = event;
  const about = { id: peer.id, name: peer.name };
  return {
    event: type,
    peer: type === 'peer.connected' ? { ...about, endpoint: peer.endpoint } : about,
    ...facts,
  };
}

function idOf({ name, id }: PeerInfo): string {
  return `${printable(name)} (${shortId(id)})`;
}

function titleOf({ name, infohash }: FileRef): string {
  return name === '' ? shortId(infohash) : `${printable(name)} (${shortId(infohash)})`;
}

/** Escapes all that could act on a terminal or reorder a line: controls, bidi marks, line separators. */
function printable(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB'];

/** "512 B", "1.2 GB": decimal units. */
function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  let value = count;
  let unit = -1;
  // 999.95 and above would be rounded to 1000.0.
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}
