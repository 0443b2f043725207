import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef } from '../block.js';
import type { EngineConfig } from './config.js';
import type { PendingRequest } from './peer-requests.js';
import type { PeerState } from './peer-state.js';
import type { PiecePicker } from './picker/piece-picker.js';
import { isFitForParole } from './parole.js';

/** A request of another peer that an idle one should serve: the endgame (BEP 3), and stealing before it. */
export interface EndgameRequest {
  readonly owner: PeerState;
  readonly request: NamedRequest;
  /**
   * `steal`: the owner is much slower, and gets a cancel at once. `late`: the answer is long overdue and may be on its
   * way; the first to arrive wins.
   */
  readonly kind: 'steal' | 'late';
}

/** A request for a named block. */
type NamedRequest = PendingRequest & { readonly ref: BlockRef };

/** Maximum number of peers asked for the same block. */
const MAX_ASKED = 2;

/**
 * For a peer with nothing left to request, the request of another peer that has waited, or will wait, longest by its
 * owner's own rate. Repeating requests merely because a peer is idle fetches up to 14 % of a file twice
 * (docs/simulator.md). A request is therefore repeated only in the endgame, when all pieces are requested, and only if
 * its owner is really late; and it is stolen only if the idle peer is several times faster.
 */
export function findEndgameRequest(
  picker: PiecePicker,
  peers: ReadonlyMap<PeerId, PeerState>,
  idle: PeerState,
  { config, nowMs }: { config: EngineConfig; nowMs: number },
): EndgameRequest | undefined {
  const isEndgame = picker.wanted.isEmpty();
  // A peer whose first answer is overdue does not get the requests of others.
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
  // A peer that has sent nothing yet is expected to take as long again as it has taken so far.
  const ownerWaitMs = owner.rate(nowMs) > 0 ? request.dueMs - nowMs : nowMs - request.askedMs;
  const marginMs = isEndgame ? config.stealMarginMs : config.earlyStealMarginMs;
  return ownerWaitMs > config.stealRatio * ownWaitMs + marginMs ? 'steal' : undefined;
}

/** True if the peer has never sent anything, and was asked long ago. */
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
 * Finds a super-seeder that should no longer choose: it needs much longer for the rest of a piece than an idle peer
 * would. No other peer is asked for the pieces that it sends.
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

/** A parole piece changes hands only if its owner is not fit and the other peer is. */
function mayRelieve(
  piece: number,
  owner: PeerState,
  idle: PeerState,
  { peers, config }: { peers: ReadonlyMap<PeerId, PeerState>; config: EngineConfig },
): boolean {
  const isFit = (peer: PeerState): boolean => isFitForParole(peer, piece, peers.values(), config.stealRatio);
  return !isFit(owner) && isFit(idle);
}
