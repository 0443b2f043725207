import type { FileRef, TrackerEvent } from './events.js';
import type { Member } from './swarm.js';
import type { PeerInfo } from './peer.js';

/** Change of state of a download, `part-completed` if files are not selected; `progressed` if there is none. */
export type DownloadNews = 'progressed' | 'started' | 'completed' | 'part-completed' | 'paused' | 'failed';

/** The news of a download; with `failed`, why. */
export interface DownloadReport {
  readonly news: DownloadNews;
  readonly reason: string;
  readonly message: string;
}

const MIN_PROGRESS_INTERVAL_MS = 1000;

/**
 * Applies a member's report of its download and returns the event to publish, if any: a repeated report is no
 * event, and neither is progress within a second.
 *
 * @param now milliseconds since 1970
 */
export function advanceDownload(
  member: Member,
  { news, reason, message }: DownloadReport,
  now: number,
): TrackerEvent | undefined {
  if (news === 'progressed') return progress(member, now);
  if (member.download === news) return undefined;
  member.download = news;
  switch (news) {
    case 'started':
      noteProgress(member, now);
      return { type: 'download.started', ...about(member) };
    case 'completed':
      return { type: 'download.completed', ...about(member), downloadedBytes: member.downloadedBytes };
    case 'part-completed':
      noteProgress(member, now);
      return {
        type: 'download.completed',
        ...about(member),
        downloadedBytes: member.downloadedBytes,
        leftBytes: member.leftBytes,
      };
    case 'failed':
      return { type: 'download.failed', ...about(member), reason, message };
    case 'paused':
      return undefined;
  }
}

function progress(member: Member, now: number): TrackerEvent | undefined {
  if (member.seeder || member.leftBytes === member.progressedTo) return undefined;
  // A clock that was set back must not suppress events.
  if (Math.abs(now - member.progressedAt) < MIN_PROGRESS_INTERVAL_MS) return undefined;
  noteProgress(member, now);
  return { type: 'download.progressed', ...about(member), leftBytes: member.leftBytes };
}

function noteProgress(member: Member, now: number): void {
  member.progressedAt = now;
  member.progressedTo = member.leftBytes;
}

/** A member and its file, as it describes it. */
export function about({ session, swarm, claim }: Member): { peer: PeerInfo; file: FileRef } {
  return { peer: session.peer, file: swarm.ref(claim) };
}
