import {
  autocomplete,
  confirm,
  intro,
  isCancel,
  log,
  outro,
  path as askPath,
  select,
  text,
} from '@clack/prompts';
import { EnjambreError } from '@enjambre/core/error';
import type { GetInfoResponse, Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent } from '../agent-client.js';
import type { Context, Session } from '../context.js';
import { EXIT, failureOf } from '../exit.js';
import { downloadFlag, priorityFlag, uploadFlag } from '../limit-flags.js';
import { limitsGiven } from '../limit-values.js';
import { selectedBytesOf } from '../render/selected.js';
import { formatBytes, formatPercent, plain, shortDigits } from '../render/text.js';
import { stateWord, trackerStateWord } from '../render/transfer-state.js';
import { examineAgent } from '../doctor-command.js';
import { banned, unban } from './bans.js';
import { pause, remove, resume } from './control.js';
import { events } from './events.js';
import { explain } from './explain.js';
import { get } from './get.js';
import { limit } from './limit.js';
import { files, findFiles, peers } from './lookups.js';
import { history, inbox, send } from './messages.js';
import { joinRoom, leaveRoom, rooms } from './rooms.js';
import { share } from './share.js';
import { list, status } from './transfers.js';
import { verify } from './verify.js';

const SHOWN_MESSAGES = 100;

/** Runs a command that Ctrl-C interrupts. */
type Run = <T>(work: (session: Session) => Promise<T>) => Promise<T>;
type Entry = (run: Run, cwd: string) => Promise<void>;

const ENTRIES = {
  share: { label: 'Share', hint: 'a file or folder of this machine', enter: shareEntry },
  get: { label: 'Get', hint: 'download a shared file', enter: getEntry },
  transfers: {
    label: 'Transfers',
    hint: 'show, explain, pause, resume, limit, verify, remove',
    enter: transfersEntry,
  },
  files: { label: 'Files', hint: 'all shared files', enter: (run) => run((session) => files(session, '')) },
  peers: { label: 'Peers', hint: 'connected peers', enter: (run) => run((session) => peers(session, '')) },
  send: { label: 'Send', hint: 'a message to a peer, a room or all peers', enter: sendEntry },
  inbox: {
    label: 'Inbox',
    hint: 'unread messages',
    enter: (run) => run((session) => inbox(session, { follow: false, all: false })),
  },
  history: {
    label: 'History',
    hint: 'messages sent and received',
    enter: (run) =>
      run((session) => history(session, { peer: undefined, room: undefined, limit: SHOWN_MESSAGES })),
  },
  rooms: { label: 'Rooms', hint: 'list, join, leave', enter: roomsEntry },
  events: {
    label: 'Events',
    hint: 'of the last ten minutes',
    enter: (run) => run((session) => events(session, { follow: false, since: '10m', types: [] })),
  },
  bans: { label: 'Bans', hint: 'banned peers; lift a ban', enter: bansEntry },
  doctor: {
    label: 'Doctor',
    hint: 'check everything that the agent needs',
    enter: (run) => run((session) => examineAgent(session, { dataDir: session.connection.dataDir })),
  },
} satisfies Record<string, { label: string; hint: string; enter: Entry }>;

/**
 * `enjambre shell`: a menu of the commands. Ctrl-C and Escape at a prompt return to the menu, at the
 * menu they quit. Throws `invalid`, NOT_A_TERMINAL, and errors of the first call to the agent.
 */
export async function shell(context: Context, session: Omit<Session, 'signal'>): Promise<void> {
  if (!context.canAsk || context.stdout.isTTY !== true) {
    const message = 'the menu needs a terminal: in scripts, use the commands (`enjambre --help`)';
    throw new EnjambreError('invalid', 'NOT_A_TERMINAL', message);
  }
  const run: Run = (work) => context.interruptible((signal) => work({ ...session, signal }));
  intro(greeting(await run((its) => withAgent(its, (agent) => agent.info()))));
  for (;;) {
    const choice = await select<keyof typeof ENTRIES | 'quit'>({
      message: 'What next?',
      options: [
        ...Object.entries(ENTRIES).map(([value, { label, hint }]) => ({
          value: value as keyof typeof ENTRIES,
          label,
          hint,
        })),
        { value: 'quit', label: 'Quit' },
      ],
    });
    if (isCancel(choice) || choice === 'quit') break;
    await attempt(() => ENTRIES[choice].enter(run, context.cwd));
  }
  outro('the agent keeps running');
}

/** Runs one entry and reports its errors; the menu then returns. */
async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { message, exitCode } = failureOf(error);
    if (exitCode === EXIT.interrupted) log.warn(plain(message));
    else log.error(plain(message));
  }
}

function greeting(info: GetInfoResponse): string {
  const tracker = `tracker ${plain(info.tracker)} ${trackerStateWord(info.trackerState)}`;
  const why = info.trackerError === '' ? '' : ` (${plain(info.trackerError)})`;
  return `Enjambre · agent ${plain(info.name)} · ${tracker}${why}`;
}

async function shareEntry(run: Run, cwd: string): Promise<void> {
  const chosen = await askPath({ message: 'Which file or folder?', root: `${cwd}/` });
  if (isCancel(chosen) || chosen === '') return;
  await run((session) => share(session, [chosen], { torrents: [] }));
}

/** Choices that are not ids. */
const TYPED = '';
const TO_EVERYONE = '*';
const TO_ROOM = '#';

async function getEntry(run: Run): Promise<void> {
  const found = await run(async (session) => {
    const have = new Set(
      (await withAgent(session, (agent) => agent.transfers())).map(({ infohash }) => infohash),
    );
    return (await findFiles(session, '')).filter(({ infohash }) => !have.has(infohash));
  });
  const picked = await autocomplete<string>({
    message: found.length === 0 ? 'Nothing new is shared' : 'Which file?',
    options: [
      ...found.map((file) => ({
        value: file.infohash,
        label: plain(file.name),
        hint: `${formatBytes(file.sizeBytes)}, shared by ${plain(file.publications[0]?.publisher?.name ?? file.publisherName)}, ${shortDigits(file.infohash)}`,
      })),
      { value: TYPED, label: 'Other', hint: 'an infohash, magnet link, .torrent path or name' },
    ],
    maxItems: 12,
  });
  const ref =
    picked === TYPED ? await text({ message: 'Infohash, magnet link, .torrent path or name' }) : picked;
  if (isCancel(ref) || ref.trim() === '') return;
  await run((session) => get(session, [ref.trim()], { detach: false }));
}

async function sendEntry(run: Run): Promise<void> {
  const others = await run((session) => withAgent(session, (agent) => agent.peers('')));
  const to = await autocomplete<string>({
    message: 'Which recipient?',
    options: [
      ...others.map(({ peer }) => ({
        value: peer?.id ?? '',
        label: plain(peer?.name ?? ''),
        hint: shortDigits(peer?.id ?? ''),
      })),
      { value: TYPED, label: 'Other', hint: 'the name or id of a disconnected peer' },
      { value: TO_ROOM, label: 'A room' },
      { value: TO_EVERYONE, label: 'All peers' },
    ],
    maxItems: 12,
  });
  if (isCancel(to)) return;
  const name = to === TYPED || to === TO_ROOM ? await text({ message: 'Name' }) : to;
  if (isCancel(name) || name === '') return;
  const words = await text({ message: 'Message' });
  if (isCancel(words) || words.trim() === '') return;
  const addressed = to === TO_EVERYONE || to === TO_ROOM ? [words] : [name, words];
  const room = to === TO_ROOM ? name : undefined;
  await run((session) => send(session, { words: addressed, room, all: to === TO_EVERYONE }));
}

async function bansEntry(run: Run): Promise<void> {
  const bans = await run((session) => withAgent(session, (agent) => agent.bans()));
  await run((session) => banned(session, ''));
  if (bans.length === 0) return;
  const peer = await select<string>({
    message: 'Lift a ban?',
    options: [
      ...bans.map(({ peerId, peerName, message }) => ({
        value: peerId,
        label: plain(peerName) || shortDigits(peerId),
        hint: plain(message),
      })),
      { value: TYPED, label: 'None' },
    ],
    maxItems: 12,
  });
  if (!isCancel(peer) && peer !== TYPED) await run((session) => unban(session, [peer]));
}

async function roomsEntry(run: Run): Promise<void> {
  await run(rooms);
  const action = await select({
    message: 'What do you want to do?',
    options: [
      { value: 'join', label: 'Join a room', hint: 'creates it if it does not exist' },
      { value: 'leave', label: 'Leave a room' },
      { value: 'back', label: 'Back' },
    ],
  });
  if (isCancel(action) || action === 'back') return;
  const name = await text({ message: 'Which room?' });
  if (isCancel(name) || name.trim() === '') return;
  await run((session) => (action === 'join' ? joinRoom : leaveRoom)(session, name.trim()));
}

async function transfersEntry(run: Run): Promise<void> {
  const transfers = await run((session) => withAgent(session, (agent) => agent.transfers()));
  if (transfers.length === 0) {
    await run(list);
    return;
  }
  const ref = await select<string>({
    message: 'Which transfer?',
    options: transfers.map((transfer) => ({
      value: transfer.infohash,
      label: plain(transfer.name),
      hint: hintOf(transfer),
    })),
    maxItems: 12,
  });
  if (isCancel(ref)) return;
  await transferMenu(run, ref);
}

function hintOf(transfer: Transfer): string {
  const size = selectedBytesOf(transfer);
  const done = formatPercent(transfer.doneBytes, size);
  return `${stateWord(transfer.state)}, ${done} of ${formatBytes(size)}`;
}

async function transferMenu(run: Run, ref: string): Promise<void> {
  const action = await select({
    message: 'What do you want to do?',
    options: [
      { value: 'status', label: 'Status' },
      { value: 'explain', label: 'Explain', hint: 'how it spent its time' },
      { value: 'pause', label: 'Pause' },
      { value: 'resume', label: 'Resume' },
      { value: 'limit', label: 'Limit', hint: 'rates and priority' },
      { value: 'verify', label: 'Verify', hint: 'check all data on disk' },
      { value: 'remove', label: 'Remove', hint: 'keeps complete files' },
      { value: 'delete', label: 'Remove and delete files' },
    ],
  });
  if (isCancel(action)) return;
  const one = { refs: [ref], all: false };
  await run((session) => {
    switch (action) {
      case 'pause':
        return pause(session, one);
      case 'resume':
        return resume(session, one);
      case 'explain':
        return explain(session, [ref]);
      case 'limit':
        return limitTransfer(session, ref);
      case 'verify':
        return verify(session, one, { wait: false });
      case 'remove':
        return remove(session, one, { data: false });
      case 'delete':
        return removeWithFiles(session, ref);
      default:
        return status(session, [ref]);
    }
  });
}

async function limitTransfer(session: Session, ref: string): Promise<void> {
  await limit(session, ref, undefined);
  const flags = { maxUpload: uploadFlag, maxDownload: downloadFlag, priority: priorityFlag };
  const given: Record<string, unknown> = {};
  for (const [name, { flags: flag, description, parse }] of Object.entries(flags)) {
    const message = `${flag.split(' ')[0] ?? ''}: ${description}; leave empty to keep it`;
    const answer = await text({ message, defaultValue: '' });
    if (isCancel(answer)) return;
    if (answer.trim() !== '') given[name] = parse?.(answer.trim(), undefined as never);
  }
  const change = limitsGiven(given);
  if (change) await limit(session, ref, change);
}

async function removeWithFiles(session: Session, ref: string): Promise<void> {
  const sure = await confirm({ message: 'Delete the downloaded files?', initialValue: false });
  if (sure === true) await remove(session, { refs: [ref], all: false }, { data: true });
}
