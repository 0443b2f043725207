import { randomUUID } from 'node:crypto';
import { EnjambreError } from '@enjambre/core/error';
import type { InboxMessage } from '@enjambre/proto/gen/enjambre/agent/v1/messages';
import type { Target } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import type { Session } from '../context.js';
import { withMessages } from '../message-client.js';
import { printList } from '../render/listing.js';
import { HISTORY, INBOX, inboxJson, messageLine, sentJson, targetText } from '../render/message.js';
import { count } from '../render/text.js';
import { readStandardInput, STANDARD } from '../standard-input.js';
import { followStream } from './follow.js';

/** The limit of messaging services. */
const MAX_TEXT_BYTES = 64 << 10;

export interface SendOptions {
  /** The peer and the text, or with `room` or `all` the text alone. */
  readonly words: readonly string[];
  readonly room?: string | undefined;
  readonly all: boolean;
  /** Use the same id to retry; generated if absent. */
  readonly id?: string | undefined;
}

/** `enjambre send`: sends a message to a peer, a room or all peers. */
export async function send(session: Session, options: SendOptions): Promise<void> {
  const { target, words } = addressed(options);
  const text = await textOf(words, session);
  if (options.id === '') throw usage('--id is empty: omit it to have an id generated');
  const id = options.id ?? randomUUID();
  const sent = await withMessages(session, (messages) => messages.send({ id, target, text }));
  session.output.object(sentJson(sent, target));
  const again = sent.duplicate ? '  (already sent)' : '';
  const many = target.target?.$case === 'peer' ? '' : `, ${count(sent.receiverCount, 'receiver')}`;
  session.output.line(`sent to ${targetText(target)}${many}${again}`);
  if (sent.namesakeCount > 0) {
    session.output.note(
      `${count(sent.namesakeCount, 'other peer')} ${sent.namesakeCount === 1 ? 'uses' : 'use'} this name: name it with digits of its id, as in "alice (1a2b3c4d)"`,
    );
  }
  if (sent.skippedCount > 0) {
    session.output.note(
      `${count(sent.skippedCount, 'peer')} did not receive it: too many messages are pending for them`,
    );
  }
}

function addressed({ words, room, all }: SendOptions): { target: Target; words: readonly string[] } {
  if (room !== undefined && all) throw usage('--room and --all exclude each other: choose one');
  if (room !== undefined) return { target: { target: { $case: 'room', value: room } }, words };
  if (all) return { target: { target: { $case: 'everyone', value: true } }, words };
  const [peer = '', ...rest] = words;
  if (rest.length === 0)
    throw usage('recipient or text is missing: write `enjambre send PEER TEXT`, or use --room ROOM or --all');
  return { target: toPeer(peer), words: rest };
}

function toPeer(peer: string): Target {
  if (peer.trim() === '')
    throw usage('the peer is empty: give its name, or at least the first 8 digits of its id');
  return { target: { $case: 'peer', value: peer } };
}

/** The words, or for `-` standard input without its last line end. */
async function textOf(words: readonly string[], { context, signal }: Session): Promise<string> {
  const text = words.length === 1 && words[0] === STANDARD ? await piped(context, signal) : words.join(' ');
  if (text === '') throw usage('the text is empty: write it after the recipient');
  return text;
}

async function piped(context: Session['context'], signal: AbortSignal): Promise<string> {
  const bytes = await readStandardInput(context, signal, {
    what: 'the text',
    instead: 'write it after the recipient',
    maxBytes: MAX_TEXT_BYTES,
    tooLong: () => usage(`the text is longer than ${MAX_TEXT_BYTES / 1024} KiB: share it as a file instead`),
  });
  return bytes.toString().replace(/\r?\n$/, '');
}

export interface InboxOptions {
  /** Wait for new messages and show them. */
  readonly follow: boolean;
  /** Include messages that were read. */
  readonly all: boolean;
}

/** `enjambre inbox`: prints unread messages, then marks them as read. */
export async function inbox(session: Session, { follow, all }: InboxOptions): Promise<void> {
  if (follow && !all) return followInbox(session);
  const shown = await withMessages(session, async (messages) => {
    const found = await messages.inbox(all);
    printList(session.output, found, INBOX);
    await session.output.written();
    await messages.markRead(found);
    return found.length;
  });
  if (follow) return followInbox(session);
  const more = all ? '' : ': `enjambre inbox --all` includes those that were read';
  if (shown === 0) session.output.hint(`no ${all ? '' : 'unread '}messages${more}`);
}

/** Shows each message once, also if the agent lost its read mark in a crash. */
async function followInbox(session: Session): Promise<void> {
  const seen = new Set<string>();
  await withMessages(session, async (messages) => {
    for await (const message of followStream(session, () => messages.watch())) {
      const key = `${message.message?.senderId ?? ''}/${message.message?.id ?? ''}`;
      if (!seen.has(key)) show(session, message);
      seen.add(key);
      if (seen.size > MAX_SEEN) seen.delete(first(seen));
      await session.output.written();
      // The message was shown; a lost read mark is no reason to stop.
      await messages.markRead([message]).catch(() => undefined);
    }
  });
}

/** More than the capacity of an inbox. */
const MAX_SEEN = 20_000;

function first(seen: ReadonlySet<string>): string {
  for (const key of seen) return key;
  return '';
}

function show({ output }: Session, message: InboxMessage): void {
  if (!message.message) return;
  output.object(inboxJson(message));
  output.line(messageLine(message.message, output.colors));
}

export interface HistoryOptions {
  readonly peer?: string | undefined;
  readonly room?: string | undefined;
  readonly limit: number;
}

/** `enjambre history`: this agent's messages that the messaging service keeps, oldest first. */
export async function history(session: Session, { peer, room, limit }: HistoryOptions): Promise<void> {
  if (peer !== undefined && room !== undefined) throw usage('PEER and --room exclude each other: choose one');
  const target = targetOf(peer, room);
  const found = await withMessages(session, (messages) => messages.history(target, limit));
  const { output } = session;
  printList(output, found.reverse(), HISTORY);
  if (found.length === 0) output.hint('no messages are stored');
}

function targetOf(peer: string | undefined, room: string | undefined): Target | undefined {
  if (peer !== undefined) return toPeer(peer);
  return room === undefined ? undefined : { target: { $case: 'room', value: room } };
}

function usage(message: string): EnjambreError {
  return new EnjambreError('invalid', 'USAGE', message);
}
