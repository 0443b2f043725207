import type { Logger } from '@enjambre/common/log/logger';
import { shortId } from '@enjambre/core/ids';
import type { DomainEvent, PublishedEvent } from '../domain/events.js';
import type { PeerRef } from '../domain/message.js';

interface EventSource {
  subscribe(listener: (event: PublishedEvent) => void): () => void;
}

/** Writes a line for each message that was taken, and at debug level for each that was delivered. */
export function startConsole(events: EventSource, log: Logger): void {
  events.subscribe(({ event }) => {
    const level = event.type === 'message.delivered' ? 'debug' : 'info';
    if (!log.isLevelEnabled(level)) return;
    const { type, ...facts } = event;
    log[level]({ event: type, ...facts }, lineOf(event));
  });
}

/** The event as a sentence for people; what others chose is made harmless for a terminal. */
export function lineOf(event: DomainEvent): string {
  switch (event.type) {
    case 'message.sent':
      return `message: ${idOf(event.sender)} → ${targetOf(event)}: ${printable(event.preview)}`;
    case 'message.delivered':
      return `message delivered: ${printable(event.messageId)} of ${idOf(event.sender)} to ${idOf(event.receiver)}`;
  }
}

function targetOf({ target, targetName }: Extract<DomainEvent, { type: 'message.sent' }>): string {
  return target.startsWith('room:') ? `room ${printable(targetName)}` : printable(targetName);
}

function idOf({ name, id }: PeerRef): string {
  return `${printable(name)} (${shortId(id)})`;
}

/** Escapes all that could act on a terminal or reorder a line: controls, bidi marks, line separators. */
function printable(text: string): string {
  return text.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
