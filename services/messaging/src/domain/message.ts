import { formatDuration } from '@enjambre/core/format-duration';
import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';

export interface PeerRef {
  readonly id: PeerId;
  readonly name: string;
}

/** An authenticated peer that makes a call. */
export interface Caller extends PeerRef {
  /** The part of its address that it cannot change at will: all peers of one party share its quotas. */
  readonly party: string;
}

/** The resolved target of a message. */
export type Target =
  | { readonly kind: 'peer'; readonly peer: PeerRef }
  | { readonly kind: 'room'; readonly room: string }
  | { readonly kind: 'everyone' };

/** The target of a message, as given by its sender. */
export type TargetRequest =
  /** A peer id, or a name that only one peer has. */
  | { readonly kind: 'peer'; readonly peer: string }
  | { readonly kind: 'room'; readonly room: string }
  | { readonly kind: 'everyone' };

export interface Message {
  /** Chosen by the sender, and unique for it. */
  readonly id: string;
  readonly sender: PeerRef;
  readonly target: Target;
  readonly text: string;
  /** When it was accepted, in milliseconds since 1970. */
  readonly sentAt: number;
}

/** A message sent to one receiver. */
export interface Delivery {
  /** Increases for one receiver. */
  readonly id: number;
  readonly message: Message;
  /** Size that counts towards windows and limits. */
  readonly bytes: number;
}

const MAX_CHARS = 64;
const MAX_TEXT_BYTES = 64 << 10;
/** Approximate size of a message besides its text: ids, names, bookkeeping. */
const OVERHEAD_BYTES = 512;
const PRINTABLE = /^[^\p{C}\p{Zl}\p{Zp}]+$/u;

/** Throws `invalid` BAD_MESSAGE_ID. */
export function checkMessageId(id: string): void {
  if (isPrintable(id)) return;
  const message = `a message id has 1 to ${MAX_CHARS} printable characters: make one, such as a UUID`;
  throw new EnjambreError('invalid', 'BAD_MESSAGE_ID', message);
}

/** Throws `invalid` BAD_ROOM. */
export function checkRoomName(room: string): void {
  if (isPrintable(room) && room.trim() === room) return;
  const message = `a room's name has 1 to ${MAX_CHARS} printable characters and no space around them`;
  throw new EnjambreError('invalid', 'BAD_ROOM', message);
}

/** Throws `invalid`, BAD_TEXT or TOO_LARGE. */
export function checkText(text: string): void {
  if (text === '') throw new EnjambreError('invalid', 'BAD_TEXT', 'the message is empty: give it a text');
  // A character takes at most three bytes for each of its UTF-16 units.
  if (text.length * 3 <= MAX_TEXT_BYTES) return;
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_TEXT_BYTES) return;
  const message = `the text has ${bytes} bytes, but only ${MAX_TEXT_BYTES} are allowed: share it as a file instead`;
  throw new EnjambreError('invalid', 'TOO_LARGE', message);
}

export function sizeOf({ text }: Message): number {
  return Buffer.byteLength(text) + OVERHEAD_BYTES;
}

/** "peer:ID", "room:NAME" or "all". */
export function targetKey(target: Target): string {
  switch (target.kind) {
    case 'peer':
      return `peer:${target.peer.id}`;
    case 'room':
      return `room:${target.room}`;
    case 'everyone':
      return 'all';
  }
}

/** The name of a target, for people. */
export function targetName(target: Target): string {
  switch (target.kind) {
    case 'peer':
      return target.peer.name;
    case 'room':
      return target.room;
    case 'everyone':
      return 'everyone';
  }
}

/** True if one is a retry of the other, given that sender and id are the same. */
export function isSameContent(one: Message, other: Message): boolean {
  return one.text === other.text && targetKey(one.target) === targetKey(other.target);
}

/** The error for a reused id. */
export function idReused(id: string): EnjambreError {
  return new EnjambreError(
    'already-exists',
    'ID_REUSED',
    `the id ${id} was used for another message: make a new one`,
  );
}

/** Suggested retry delay while the store is full, in milliseconds: an estimate. */
const STORE_FULL_RETRY_MS = 10_000;

/** The error for a message that would displace messages that wait for their receivers. */
export function storeFull(
  why = 'the store of the messaging service is full of messages that wait for their receivers',
  otherwise = '',
): EnjambreError {
  const later = `send again in ${formatDuration(STORE_FULL_RETRY_MS)}, or when receivers have read theirs`;
  const message = `${why}: ${later}${otherwise && `; ${otherwise}`}`;
  return new EnjambreError('exhausted', 'STORE_FULL', message, { retryAfterMs: STORE_FULL_RETRY_MS });
}

function isPrintable(text: string): boolean {
  return text.length <= 2 * MAX_CHARS && Array.from(text).length <= MAX_CHARS && PRINTABLE.test(text);
}
