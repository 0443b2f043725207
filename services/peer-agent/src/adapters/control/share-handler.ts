import { EnjambreError } from '@enjambre/core/error';
import { formatMagnet } from '@enjambre/core/magnet';
import type { CallContext } from '@enjambre/rpc/handlers';
import {
  LeftOutReason,
  LinkPolicy as WirePolicy,
  type LeftOut as WireLeftOut,
  type ShareRequest,
  type ShareResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { LeftOut, LeftOutWhy, LinkPolicy } from '../../app/ports/sharing.js';
import type { Transfers } from '../../app/transfer/transfers.js';
import { transferToWire } from './convert.js';
import { limitChangeFromWire } from './limit-handlers.js';
import { ChangeSignal } from './signals.js';

/** Minimum interval between progress reports of hashing. */
const PROGRESS_MS = 100;
const MAX_PIECE_LENGTH = 64 << 20;
const MIN_PIECE_LENGTH = 16 << 10;

const POLICIES: Readonly<Partial<Record<WirePolicy, LinkPolicy>>> = {
  [WirePolicy.INSIDE]: 'inside',
  [WirePolicy.ANYWHERE]: 'anywhere',
};

const REASONS: Readonly<Record<LeftOutWhy, LeftOutReason>> = {
  link: LeftOutReason.LINK,
  outside: LeftOutReason.OUTSIDE,
  dangling: LeftOutReason.DANGLING,
  loop: LeftOutReason.LOOP,
  incomplete: LeftOutReason.INCOMPLETE,
  special: LeftOutReason.SPECIAL,
  name: LeftOutReason.NAME,
};

/**
 * Shares the requested path, and reports progress until it is done.
 *
 * @param root the folder that no link may lead out of; undefined for no bound
 */
export async function* share(
  transfers: Transfers,
  { path, name, pieceLength, limits: wire, links, skipUnsupported }: ShareRequest,
  { signal }: CallContext,
  root: string | undefined,
): AsyncGenerator<ShareResponse> {
  checkPieceLength(pieceLength);
  if (root !== undefined && links === WirePolicy.ANYWHERE) throw linksLeadOut(root);
  const limits = limitChangeFromWire(wire);
  const changes = new ChangeSignal();
  const state = { done: 0, total: 0, over: false };
  const progress = (done: number, total: number): void => {
    Object.assign(state, { done, total });
  };
  const within = root === undefined ? {} : { within: root };
  const scan = { links: POLICIES[links] ?? 'skip', skipUnsupported, ...within };
  const sharing = transfers.share({ path, name, pieceLength, limits, signal, progress, scan }).finally(() => {
    state.over = true;
    changes.notify();
  });
  sharing.catch(() => undefined); // Its error is thrown where it is awaited below.
  while (!signal.aborted) {
    await changes.next(PROGRESS_MS, signal);
    if (state.over) break;
    if (state.total === 0) continue;
    const value = { doneBytes: BigInt(state.done), sizeBytes: BigInt(state.total) };
    yield { result: { $case: 'progress', value } };
  }
  const { transfer, metainfo, already, leftOut } = await sharing;
  const shared = {
    transfer: transferToWire(transfer.view()),
    magnet: formatMagnet(metainfo.infohash, metainfo.name),
    alreadyShared: already,
    metainfo: metainfo.bytes,
    leftOut: leftOutToWire(leftOut),
  };
  yield { result: { $case: 'shared', value: shared } };
}

function leftOutToWire({ entries, ...counts }: LeftOut): WireLeftOut {
  return {
    linkCount: counts.links,
    emptyFolderCount: counts.emptyFolders,
    specialCount: counts.others,
    unsupportedCount: counts.unsupported,
    incompleteCount: counts.incomplete,
    entries: entries.map(({ path, why, fault }) => ({ path, reason: REASONS[why], fault })),
  };
}

function linksLeadOut(root: string): EnjambreError {
  const message = `links may lead out of ${root}, the only folder that control over TCP may share from: follow only links inside, or use the agent's socket`;
  return new EnjambreError('denied', 'OUTSIDE_ROOT', message);
}

function checkPieceLength(pieceLength: number): void {
  const powerOfTwo = Number.isInteger(Math.log2(pieceLength));
  if (pieceLength === 0 || (powerOfTwo && pieceLength >= MIN_PIECE_LENGTH && pieceLength <= MAX_PIECE_LENGTH))
    return;
  throw new EnjambreError(
    'invalid',
    'BAD_PIECE_LENGTH',
    `invalid piece length of ${pieceLength} bytes: choose a power of two from ${MIN_PIECE_LENGTH} to ${MAX_PIECE_LENGTH}`,
  );
}
