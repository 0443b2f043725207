import type { InboxMessage, SendMessageResponse } from '@enjambre/proto/gen/enjambre/agent/v1/messages';
import type { Message, Target } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import type { Output } from '../output.js';
import type { JsonObject } from './json-line.js';
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

export function inboxJson({ message, receivedAt, read }: InboxMessage): JsonObject {
  return {
    ...messageJson('message', message),
    received_at: receivedAt?.toISOString(),
    read,
  };
}

export function historyJson(message: Message): JsonObject {
  return messageJson('message', message);
}

export function sentJson({ id, sentAt, ...receipt }: SendMessageResponse, target: Target): JsonObject {
  return { type: 'sent', id, ...targetJson(target), sent_at: sentAt?.toISOString(), ...receipt };
}

function messageJson(type: string, message: Message | undefined): JsonObject {
  return {
    type,
    id: message?.id,
    from: message?.senderName,
    from_id: message?.senderId,
    ...targetJson(message?.target),
    to_name: message?.targetName,
    text: message?.text,
    sent_at: message?.sentAt?.toISOString(),
  };
}

function targetJson(target: Target | undefined): Readonly<Record<string, string | boolean>> {
  switch (target?.target?.$case) {
    case 'peer':
      return { to: target.target.value };
    case 'room':
      return { room: target.target.value };
    case 'everyone':
      return { everyone: true };
    case undefined:
      return {};
  }
}
