import type { File } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { withAgent } from '../agent-client.js';
import { resolveTrackers } from '../connection.js';
import type { Session } from '../context.js';
import type { Output, Screen } from '../output.js';
import { trackerInfohash, transferRef } from '../ref.js';
import { fileJson, peerJson, type KnownMember } from '../render/json.js';
import { table } from '../render/table.js';
import { formatAgo, formatBytes, plain, shortDigits } from '../render/text.js';
import { withTracker } from '../tracker-client.js';

/** `enjambre files`: the shared files in the tracker's catalogue. */
export async function files(session: Session, query: string): Promise<void> {
  const found = await findFiles(session, query);
  const { output } = session;
  for (const file of found) output.object(fileJson(file));
  if (found.length > 0) output.line(fileTable(found, output, session.context.now()));
  else if (query === '') output.hint('no files are shared yet: share one with `enjambre share PATH`');
  else output.hint(`no file matches ${query}: \`enjambre files\` lists all shared files`);
}

/** `enjambre peers`: the peers connected to the tracker, or those that have at least part of one file. */
export async function peers(session: Session, ref: string): Promise<void> {
  const members = await findPeers(session, ref);
  const { output, context } = session;
  for (const member of members) output.object(peerJson(member, ref !== ''));
  if (members.length > 0) {
    const show = ref === '' ? peerTable : swarmTable;
    output.line(show(members, output, context.now()));
  } else if (ref === '') output.hint('no peer is connected yet: start one with `enjambre agent`');
  else output.hint('no connected peer has any part of it: `enjambre files` lists shared files');
}

/** Files by name or infohash, from the given tracker, else through the agent. */
export async function findFiles(session: Session, query: string): Promise<File[]> {
  const trackers = resolveTrackers(session.connection, session.context.environment);
  if (trackers.length === 0) return withAgent(session, (agent) => agent.files(query));
  return withTracker(session, trackers, (tracker) => tracker.files(query));
}

async function findPeers(session: Session, ref: string): Promise<KnownMember[]> {
  const { environment } = session.context;
  const trackers = resolveTrackers(session.connection, environment);
  if (trackers.length === 0) {
    const its = ref === '' ? '' : await transferRef(ref, session);
    return withAgent(session, (agent) => agent.peers(its));
  }
  return withTracker(session, trackers, async (tracker) => {
    if (ref !== '')
      return tracker.swarm(await trackerInfohash(ref, session, (query) => tracker.filesNamed(query)));
    const all = await tracker.peers();
    return all.map((peer) => ({
      peer,
      seeder: false,
      bytesLeft: 0n,
      bytesDownloaded: 0n,
      bytesUploaded: 0n,
    }));
  });
}

function fileTable(found: readonly File[], screen: Screen, now: number): string {
  const columns = [
    { title: 'name' },
    { title: 'size', align: 'right' },
    { title: 'version', align: 'right' },
    { title: 'age' },
    { title: 'publisher' },
    { title: 'seeders', align: 'right' },
    { title: 'leechers', align: 'right' },
    { title: 'infohash' },
  ] as const;
  const rows = found.map((file) => [
    file.disputed ? `${plain(file.name)} (disputed)` : plain(file.name),
    formatBytes(file.size),
    ...publishedCells(file, now),
    String(file.seeders),
    String(file.leechers),
    shortDigits(file.infohash),
  ]);
  return table(columns, rows, screen);
}

/** Version, age and publisher of a file. */
function publishedCells({ publications, superseded }: File, now: number): [string, string, string] {
  const [first, ...others] = publications;
  if (!first) return ['', '', ''];
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  const version = superseded ? `${first.version} (old)` : String(first.version);
  return [version, formatAgo(first.publishedAt, now), `${plain(first.publisher?.name ?? '')}${more}`];
}

function peerTable(members: readonly KnownMember[], screen: Screen, now: number): string {
  const columns = [
    { title: 'name' },
    { title: 'id' },
    { title: 'endpoint' },
    { title: 'seeding', align: 'right' },
    { title: 'leeching', align: 'right' },
    { title: 'labels' },
    { title: 'connected' },
    ...standing(members),
  ] as const;
  const rows = members.map(({ peer, banned }) => [
    plain(peer?.name ?? ''),
    shortDigits(peer?.peerId ?? ''),
    plain(peer?.endpoint ?? ''),
    String(peer?.seeding ?? 0),
    String(peer?.leeching ?? 0),
    labelList(peer?.labels ?? {}),
    formatAgo(peer?.connectedAt, now),
    ...standing(members).map(() => standingOf(banned, screen.colors)),
  ]);
  return table(columns, rows, screen);
}

function swarmTable(members: readonly KnownMember[], screen: Screen, now: number): string {
  const columns = [
    { title: 'name' },
    { title: 'id' },
    { title: 'endpoint' },
    { title: 'has' },
    { title: 'received', align: 'right' },
    { title: 'sent', align: 'right' },
    { title: 'connected' },
    ...standing(members),
  ] as const;
  const rows = members.map((member) => [
    plain(member.peer?.name ?? ''),
    shortDigits(member.peer?.peerId ?? ''),
    plain(member.peer?.endpoint ?? ''),
    member.seeder ? 'all' : `all but ${formatBytes(member.bytesLeft)}`,
    formatBytes(member.bytesDownloaded),
    formatBytes(member.bytesUploaded),
    formatAgo(member.peer?.connectedAt, now),
    ...standing(members).map(() => standingOf(member.banned, screen.colors)),
  ]);
  return table(columns, rows, screen);
}

/** An additional column if the agent has banned one of them. */
function standing(members: readonly KnownMember[]): readonly { title: string }[] {
  return members.some(({ banned }) => banned !== undefined) ? [{ title: 'status' }] : [];
}

function standingOf(banned: string | undefined, colors: Output['colors']): string {
  return banned === undefined ? '' : colors.red(`banned: ${plain(banned)}`);
}

function labelList(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => plain(`${key}=${value}`))
    .join(' ');
}
