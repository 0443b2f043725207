import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef } from '../block.js';
import type { EngineConfig } from './config.js';
import type { PendingRequest } from './peer-requests.js';
import type { PeerState } from './peer-state.js';
import type { PiecePicker } from './picker/piece-picker.js';
import { isFitForParole } from './parole.js';

/**
 * A request of another peer that an idle one had better serve: what BitTorrent calls the endgame (BEP 3), and the stealing of
 * requests before it.
 */
export interface EndgameRequest {
  readonly owner: PeerState;
  readonly request: NamedRequest;
  /**
   * `steal`: the owner is much slower, and is told at once not to send it. `late`: the
   * owner should have sent it long ago, so it may be on its way; whoever comes first wins.
   */
  readonly kind: 'steal' | 'late';
}

/** A request for a block that was named. */
type NamedRequest = PendingRequest & { readonly ref: BlockRef };

/** A block is never asked of more peers than this at a time. */
const MAX_ASKED = 2;

/**
 * For a peer with nothing left to ask, the request of another peer that has waited, or
 * will wait, the longest by its owner's own rate. Asking twice merely because a peer is
 * idle fetches up to 14 % of a file twice (docs/simulator.md), so a request is repeated
 * only in the endgame, when all pieces are asked for, and only if its owner is really late;
 * and it is moved only if the idle peer is several times faster.
 */
export function findEndgameRequest(
  picker: PiecePicker,
  peers: ReadonlyMap<PeerId, PeerState>,
  idle: PeerState,
  { config, nowMs }: { config: EngineConfig; nowMs: number },
): EndgameRequest | undefined {
  const isEndgame = picker.wanted.isEmpty();
  // Who owes its first answer for long is not given the debts of others.
  if (isEndgame && owesFirst(idle, { config, nowMs })) return undefined;
  let best: EndgameRequest | undefined;
  let bestGain = 0;
  for (const owner of peers.values()) {
    if (owner === idle) continue;
    for (const request of owner.requests.values()) {
      if (!isNamed(request) || request.cancelled || !idle.has.has(request.ref.piece)) continue;
      const kind = judge(idle, owner, request, { config, nowMs, isEndgame });
      if (!kind || !mayAskAgain(picker, idle, request, kind)) continue;
      const alone = picker.active.get(request.ref.piece)?.onParole;
      if (alone && !mayRelieve(request.ref.piece, owner, idle, { peers, config })) continue;
      const gain = Math.abs(request.dueMs - nowMs) + 1;
      if (gain <= bestGain) continue;
      best = { owner, request, kind };
      bestGain = gain;
    }
  }
  return best;
}

function judge(
  idle: PeerState,
  owner: PeerState,
  request: PendingRequest,
  { config, nowMs, isEndgame }: { config: EngineConfig; nowMs: number; isEndgame: boolean },
): EndgameRequest['kind'] | undefined {
  if (isEndgame && !owner.hasSent && nowMs - request.askedMs >= config.unheardMs) return 'late';
  const promisedMs = request.dueMs - request.askedMs;
  if (isEndgame && nowMs > request.dueMs + Math.max(promisedMs, config.lateMarginMs)) return 'late';
  const ownWaitMs = idle.expectedWaitMs(request.bytes, nowMs);
  // Of one that has sent nothing yet, expect it to take as long again as it has taken so far.
  const ownerWaitMs = owner.rate(nowMs) > 0 ? request.dueMs - nowMs : nowMs - request.askedMs;
  const marginMs = isEndgame ? config.stealMarginMs : config.earlyStealMarginMs;
  return ownerWaitMs > config.stealRatio * ownWaitMs + marginMs ? 'steal' : undefined;
}

/** True if it has never sent anything, and was asked long ago. */
function owesFirst(peer: PeerState, { config, nowMs }: { config: EngineConfig; nowMs: number }): boolean {
  if (peer.hasSent) return false;
  for (const { askedMs } of peer.requests.values()) if (nowMs - askedMs >= config.unheardMs) return true;
  return false;
}

function mayAskAgain(
  picker: PiecePicker,
  idle: PeerState,
  { ref }: NamedRequest,
  kind: EndgameRequest['kind'],
): boolean {
  const askedOf = picker.block(ref)?.askedOf;
  if (!askedOf || askedOf.includes(idle.id)) return false;
  return kind === 'steal' ? askedOf.length === 1 : askedOf.length < MAX_ASKED;
}

function isNamed(request: PendingRequest): request is NamedRequest {
  return request.ref !== undefined;
}

/**
 * A peer that sends a piece by its own choice, so that nobody else is asked for it, and
 * needs so much longer for the rest of it than an idle one would that it had better be
 * left the choice no more.
 */
export function findSlowSuperSeeder(
  { layout }: PiecePicker,
  peers: ReadonlyMap<PeerId, PeerState>,
  idle: PeerState,
  { config, nowMs }: { config: EngineConfig; nowMs: number },
): PeerState | undefined {
  for (const owner of peers.values()) {
    if (owner === idle) continue;
    for (const piece of owner.given) {
      if (!idle.has.has(piece.index)) continue;
      const bytes = piece.freeCount() * layout.blockSize(piece.index, 0);
      const gainMs =
        owner.expectedWaitMs(bytes, nowMs) - config.stealRatio * idle.expectedWaitMs(bytes, nowMs);
      if (gainMs > config.stealMarginMs) return owner;
    }
  }
  return undefined;
}

/** A piece that has to come from one changes hands only if its owner is not up to it, and another is. */
function mayRelieve(
  piece: number,
  owner: PeerState,
  idle: PeerState,
  { peers, config }: { peers: ReadonlyMap<PeerId, PeerState>; config: EngineConfig },
): boolean {
  const isFit = (peer: PeerState): boolean => isFitForParole(peer, piece, peers.values(), config.stealRatio);
  return !isFit(owner) && isFit(idle);
}
