import type { InboxMessage, SendMessageResponse } from '@enjambre/proto/gen/enjambre/agent/v1/messages';
import type { Message, Target } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import type { Output } from '../output.js';
import type { JsonObject, JsonValue } from './json-line.js';
import type { ListColumn, Listing } from './listing.js';
import { peerOf } from './json.js';
import { clockTime, plain } from './text.js';

/** `bob`, `room ops`, `everyone` */
export function targetText(target: Target | undefined): string {
  switch (target?.target?.$case) {
    case 'peer':
      return plain(target.target.value);
    case 'room':
      return `room ${plain(target.target.value)}`;
    case 'everyone':
      return 'everyone';
    case undefined:
      return '?';
  }
}

/** A message as one line: time, sender, target and text. */
export function messageLine(message: Message, { dim, bold }: Output['colors']): string {
  const when = message.sentAt ? clockTime(message.sentAt) : '';
  const isRoom = message.target?.target?.$case === 'room';
  const to = dim(`→ ${isRoom ? 'room ' : ''}${plain(message.targetName)}`);
  return `${dim(when)}  ${bold(plain(message.senderName))} ${to}: ${plain(message.text)}`;
}

/** Columns of a list of messages; `of` takes the message from an item. */
function columnsOf<T>(of: (item: T) => Message | undefined): readonly ListColumn<T>[] {
  return [
    {
      title: 'sent',
      text: (item) => timeText(of(item)?.sentAt),
      value: (item) => of(item)?.sentAt?.getTime(),
      overflow: 'keep',
    },
    { title: 'from', text: (item) => plain(of(item)?.senderName ?? ''), minWidth: 4 },
    { title: 'to', text: (item) => receiverText(of(item)), minWidth: 2 },
    { title: 'message', text: (item) => plain(of(item)?.text ?? ''), overflow: 'wrap' },
    { title: 'id', text: (item) => plain(of(item)?.id ?? ''), wide: true },
  ];
}

function timeText(time: Date | undefined): string {
  return time ? clockTime(time) : '';
}

/** `bob`, `room ops` or `everyone` */
function receiverText(message: Message | undefined): string {
  const { target, targetName = '' } = message ?? {};
  return target?.target?.$case === 'peer' ? plain(targetName) : targetText(target);
}

/** The messages in the inbox of an agent. */
export const INBOX: Listing<InboxMessage> = {
  columns: columnsOf(({ message }) => message),
  json: inboxJson,
  id: ({ message }) => plain(message?.id ?? ''),
};

/** The messages that the messaging service keeps. */
export const HISTORY: Listing<Message> = {
  columns: columnsOf((message) => message),
  json: historyJson,
  id: ({ id }) => plain(id),
};

export function inboxJson({ message, receivedAt, read }: InboxMessage): JsonObject {
  return {
    ...messageJson('message', message),
    received_at: receivedAt?.toISOString(),
    read,
  };
}

function historyJson(message: Message): JsonObject {
  return messageJson('message', message);
}

export function sentJson(sent: SendMessageResponse, target: Target): JsonObject {
  const { receiver } = sent;
  return {
    type: 'sent',
    id: sent.id,
    ...(target.target?.$case === 'peer'
      ? { receiver: receiver && peerOf(receiver.id, receiver.name) }
      : targetJson(target, '')),
    sent_at: sent.sentAt?.toISOString(),
    duplicate: sent.duplicate,
    receiver_count: sent.receiverCount,
    skipped_count: sent.skippedCount,
    namesake_count: sent.namesakeCount,
  };
}

function messageJson(type: string, message: Message | undefined): JsonObject {
  return {
    type,
    id: message?.id,
    ...(message && { sender: peerOf(message.senderId, message.senderName) }),
    ...targetJson(message?.target, message?.targetName ?? ''),
    text: message?.text,
    sent_at: message?.sentAt?.toISOString(),
  };
}

/** The receivers of a message; `name` is the receiver's, if it is for one peer. */
function targetJson(target: Target | undefined, name: string): Readonly<Record<string, JsonValue>> {
  switch (target?.target?.$case) {
    case 'peer':
      return { receiver: peerOf(target.target.value, name) };
    case 'room':
      return { room: target.target.value };
    case 'everyone':
      return { everyone: true };
    case undefined:
      return {};
  }
}
