import { setTimeout as delay } from 'node:timers/promises';
import {
  MessagingServiceService,
  SendRequest,
  WatchEventsRequest as WatchMessagesRequest,
  WatchEventsResponse as WatchMessagesResponse,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import {
  TrackerServiceService,
  WatchEventsRequest,
  WatchEventsResponse,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { isUnderWay, type Attack, type Run } from '../attack.js';
import { steadily } from '../flood.js';
import type { RawConnection } from '../raw-connection.js';
import { reach } from '../reach.js';
import { receiveMessages, type MessagingSession } from '../sessions.js';

type Target = NonNullable<NonNullable<SendRequest['target']>['target']>;

const SESSIONS_A_CONNECTION = 20;
const SENDERS = 20;
/** Sends that wait for an answer, of one sender. */
const MAX_OPEN = 64;

/** An attacker's sender, on its own connection. */
interface Sender {
  readonly connection: RawConnection;
  readonly session: MessagingSession;
}

/** Fresh keys that say hello and leave again. */
export const messagingKeys: Attack = async (run) => {
  for (let done = 0; done < run.count && isUnderWay(run); done += SESSIONS_A_CONNECTION) {
    const connection = await reach(run, run.targets.messaging);
    if (!connection) break;
    const all = Array.from({ length: SESSIONS_A_CONNECTION }, () => receiveMessages(connection, run.tally));
    await Promise.all(all);
    connection.close();
  }
  run.tally.inFullSwing = true;
  while (isUnderWay(run)) await delay(200);
};

/** Messages of a byte to the mailbox of `targets.downloaderId`. */
export const mailbox: Attack = (run) =>
  sendAll(run, { target: { $case: 'peer', value: run.targets.downloaderId }, text: 'x' });

/** Messages of 64 KiB to a mailbox of the attacker's own. */
export const largeMessages: Attack = async (run) => {
  const connection = await reach(run, run.targets.messaging);
  const own = connection && (await receiveMessages(connection, run.tally, 'sink'));
  own?.call.cancel();
  const value = own?.identity.peerId ?? run.targets.downloaderId;
  await sendAll(run, { target: { $case: 'peer', value }, text: 'x'.repeat((64 << 10) - 1) });
};

/** Many fresh keys, and from some of them a byte to everyone, again and again. */
export const broadcast: Attack = async (run) => {
  for (let done = 0; done < run.count && isUnderWay(run); done += SESSIONS_A_CONNECTION) {
    const connection = await reach(run, run.targets.messaging);
    if (!connection) break;
    const all = Array.from({ length: SESSIONS_A_CONNECTION }, () => receiveMessages(connection, run.tally));
    await Promise.all(all);
  }
  const senders = await openSenders(run);
  run.tally.inFullSwing = true;
  await steadily(run, 200, (number) => {
    const sender = senders[number % senders.length];
    if (sender) send(run, sender, { target: { $case: 'everyone', value: true }, text: 'x' });
  });
};

/** A second peer with the name of the honest downloader, in several spellings, writes to the honest seeder. */
export const twins: Attack = async (run) => {
  for (const name of ['downloader', 'down\u200bloader', '\uff44ownloader', 'downloader\u00ad']) {
    const connection = await reach(run, run.targets.messaging);
    const session = connection && (await receiveMessages(connection, run.tally, name));
    if (!connection || !session) continue;
    const target = { $case: 'peer', value: run.targets.seederId } as const;
    send(run, { connection, session }, { target, text: `twin ${name.length}` });
  }
  await delay(500);
  run.tally.inFullSwing = true;
  while (isUnderWay(run)) await delay(200);
};

/** Watches the events of both services, and counts those that show a text. */
export const watchTexts: Attack = async (run) => {
  const look = (event: unknown): void => {
    run.tally.fact('events');
    const shown = JSON.stringify(event, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    if (shown.includes('message')) run.tally.fact('message events');
    // Texts of the honest agents begin so.
    if (shown.includes('honest ')) run.tally.fact('texts');
  };
  const [messaging, tracker] = await Promise.all([
    reach(run, run.targets.messaging),
    reach(run, run.targets.tracker),
  ]);
  const messages = messaging?.call(MessagingServiceService.watchEvents.path);
  if (messages) messages.onMessage = (bytes) => look(WatchMessagesResponse.decode(bytes));
  messages?.send(WatchMessagesRequest.encode(WatchMessagesRequest.fromPartial({})).finish()).end();
  const all = tracker?.call(TrackerServiceService.watchEvents.path);
  if (all) all.onMessage = (bytes) => look(WatchEventsResponse.decode(bytes));
  all?.send(WatchEventsRequest.encode(WatchEventsRequest.fromPartial({})).finish()).end();
  await delay(500);
  run.tally.inFullSwing = true;
  while (isUnderWay(run)) await delay(200);
};

/** Sends `count` messages from several keys, as fast as they are answered, then waits. */
async function sendAll(run: Run, message: { readonly target: Target; readonly text: string }): Promise<void> {
  const senders = await openSenders(run);
  for (let sent = 0; sent < run.count && senders.length > 0 && isUnderWay(run);) {
    const free = senders.filter(({ connection }) => connection.isOpen && connection.calls.size < MAX_OPEN);
    for (const sender of free) {
      send(run, sender, message);
      sent += 1;
    }
    if (!senders.some(({ connection }) => connection.isOpen)) break;
    await delay(5);
  }
  run.tally.inFullSwing = true;
  while (isUnderWay(run)) await delay(200);
}

async function openSenders(run: Run): Promise<Sender[]> {
  const senders: Sender[] = [];
  for (let number = 0; number < SENDERS; number++) {
    const connection = await reach(run, run.targets.messaging);
    const session = connection && (await receiveMessages(connection, run.tally));
    if (connection && session) senders.push({ connection, session });
    else break;
  }
  return senders;
}

let lastId = 0;

function send(
  { tally }: Run,
  { connection, session }: Sender,
  { target, text }: { readonly target: Target; readonly text: string },
): void {
  const call = connection.call(MessagingServiceService.send.path, [session.authorization]);
  call.onMessage = () => tally.fact('accepted');
  lastId += 1;
  call.send(SendRequest.encode({ id: `m${lastId}`, target: { target }, text }).finish()).end();
}
