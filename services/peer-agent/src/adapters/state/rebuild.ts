import { messageOf } from '@enjambre/core/error';
import type { InfoHash } from '@enjambre/core/ids';
import { PieceLayout } from '@enjambre/core/layout';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { Logger } from '@enjambre/common/log/logger';
import type { ProgressLog } from '../../app/ports/archives.js';
import { NO_LIMITS } from '../../domain/limits/limit-settings.js';
import { NOTHING_COUNTED, type TransferRecord } from '../../domain/transfer-record.js';
import type { TransferFacts } from './transfer-facts.js';

/** What a record can be rebuilt from. */
export interface RebuildParts {
  readonly facts: (infohash: InfoHash) => Promise<TransferFacts | undefined>;
  readonly metainfo: (infohash: InfoHash) => Promise<Metainfo | undefined>;
  readonly progress: (infohash: InfoHash) => ProgressLog;
  /** The folder that a download of ours is in, to judge by what is there; undefined if there is none. */
  readonly findDownload: (metainfo: Metainfo) => Promise<string | undefined>;
  readonly log: Logger;
}

/** The records, and how many there are by what told their place. */
export interface Rebuilt {
  readonly records: readonly TransferRecord[];
  readonly byFacts: number;
  readonly byContent: number;
  /** Transfers of which the place is not known. */
  readonly lost: number;
}

/**
 * Rebuilds records from what else is on disk. Reads, and deletes nothing; what is true of
 * the content the transfers find out themselves. One that fails takes no other with it.
 */
export async function rebuildRecords(infohashes: Iterable<InfoHash>, parts: RebuildParts): Promise<Rebuilt> {
  const records: TransferRecord[] = [];
  const count = { byFacts: 0, byContent: 0, lost: 0 };
  for (const infohash of infohashes) {
    const found = await rebuildOne(infohash, parts).catch((error: unknown) => {
      parts.log.error({ err: error, infohash }, `a transfer could not be rebuilt: ${messageOf(error)}`);
      return undefined;
    });
    count[found?.by ?? 'lost'] += 1;
    if (found) records.push(found.record);
  }
  return { records, ...count };
}

async function rebuildOne(
  infohash: InfoHash,
  parts: RebuildParts,
): Promise<{ record: TransferRecord; by: 'byFacts' | 'byContent' } | undefined> {
  const facts = await parts.facts(infohash);
  const metainfo = await parts.metainfo(infohash);
  if (facts) return { record: await recordOf(facts, metainfo, parts), by: 'byFacts' };
  const location = metainfo && (await parts.findDownload(metainfo));
  if (metainfo && location !== undefined) {
    const guess = guessFacts(metainfo, location);
    return { record: await recordOf(guess, metainfo, parts), by: 'byContent' };
  }
  parts.log.error(
    { infohash, name: metainfo?.name },
    metainfo
      ? `where ${metainfo.name} is, or was to go, is not known any more: share it, or get it by its .torrent, which is kept in transfers/`
      : `of the transfer ${infohash} nothing can be read: share it or get it again`,
  );
  return undefined;
}

/** Not in its place for sure: what has its name may be somebody else's, and must not be written to. */
function guessFacts({ infohash, name }: Metainfo, location: string): TransferFacts {
  const facts = { infohash, name, location, goal: 'run', reason: '', origin: false, copies: [] } as const;
  return { ...facts, inPlace: false, ownFiles: 'none', assembly: '', movingTo: '', addedAtMs: Date.now() };
}

async function recordOf(
  facts: TransferFacts,
  metainfo: Metainfo | undefined,
  { progress }: RebuildParts,
): Promise<TransferRecord> {
  // Without a fingerprint, what was whole is hashed before it counts as that again.
  const complete = facts.origin || facts.inPlace;
  const bytesTotal = metainfo?.totalLength ?? 0;
  const bytesDone = metainfo && !complete ? await noted(progress(facts.infohash), metainfo) : bytesTotal;
  return {
    ...(facts.origin && !metainfo ? withoutMetainfo(facts) : facts),
    name: metainfo?.name ?? facts.name,
    warning: '',
    complete,
    fingerprint: '',
    // Whether a part was in doubt is among what is lost.
    recheck: !complete,
    bytesTotal,
    bytesDone,
    ...NOTHING_COUNTED,
    ...NO_LIMITS,
  };
}

/** For whoever looks before it is checked. */
async function noted(progress: ProgressLog, metainfo: Metainfo): Promise<number> {
  const layout = PieceLayout.of(metainfo);
  const found = await progress.load(layout.pieceCount);
  let bytes = 0;
  for (const piece of [...(found?.have.indexes() ?? []), ...(found?.unsure ?? [])])
    bytes += layout.pieceSize(piece);
  return bytes;
}

function withoutMetainfo(facts: TransferFacts): TransferFacts {
  const reason = `its metainfo is lost: share ${facts.location} again`;
  return { ...facts, goal: 'failed', reason };
}
