import type { File } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { withAgent } from '../agent-client.js';
import { resolveTrackers } from '../connection.js';
import type { Session } from '../context.js';
import { trackerInfohash, transferRef } from '../ref.js';
import type { KnownMember } from '../render/json.js';
import { printList } from '../render/listing.js';
import { fileList, peerList } from '../render/network-lists.js';
import { withTracker } from '../tracker-client.js';

/** `enjambre files`: the shared files in the tracker's catalogue. */
export async function files(session: Session, query: string): Promise<void> {
  const found = await findFiles(session, query);
  const { output } = session;
  printList(output, found, fileList(session.context.now()));
  if (found.length > 0) return;
  if (query === '') output.hint('no files are shared yet: share one with `enjambre share PATH`');
  else output.hint(`no file matches ${query}: \`enjambre files\` lists all shared files`);
}

/** `enjambre peers`: the peers connected to the tracker, or those that have at least part of one file. */
export async function peers(session: Session, ref: string): Promise<void> {
  const members = await findPeers(session, ref);
  const { output, context } = session;
  printList(output, members, peerList(members, { now: context.now(), inSwarm: ref !== '' }));
  if (members.length > 0) return;
  if (ref === '') output.hint('no peer is connected yet: start one with `enjambre agent`');
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
      leftBytes: 0n,
      downloadedBytes: 0n,
      uploadedBytes: 0n,
    }));
  });
}
