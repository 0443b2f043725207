import type { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import { shortId, type PeerId } from '@enjambre/core/ids';
import { BLOCK_SIZE, type PieceLayout } from '@enjambre/core/layout';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { Logger } from '@enjambre/common/log/logger';
import { DownloadEngine } from '../../domain/download/download-engine.js';
import type { DownloadEffect, DownloadEvent } from '../../domain/download/messages.js';
import {
  DEFAULT_TOTAL_BYTES,
  type BudgetShare,
  type OutstandingBudget,
} from '../../domain/download/outstanding-budget.js';
import { Culprits } from '../../domain/download/culprits.js';
import { causeOf } from '../../domain/explain/cause-of.js';
import type { DownloadAccount } from '../../domain/explain/download-account.js';
import type { RateShare } from '../../domain/limits/rate-limiter.js';
import type { Random } from '../../domain/random.js';
import { TICK_MS } from '../../domain/swarm-constants.js';
import type { Bans } from '../agent/bans.js';
import type { Locality } from '../agent/locality.js';
import type { Ledger } from '../agent/ledger.js';
import { linksText } from './links-text.js';
import type { Meter } from '../agent/meter.js';
import { PieceTimes } from './piece-times.js';
import {
  BLOCK_LOST,
  CONTENT_CHANGED,
  type PeerAddress,
  type PeerConnector,
  type PieceStore,
  type SourceNews,
  type SwarmListener,
  type TrackerPort,
} from '../ports.js';
import { SendingPace } from './sending-pace.js';
import { SwarmLinks, type SwarmHandler } from './swarm-links.js';

export interface DownloadComponents {
  readonly metainfo: Metainfo;
  readonly layout: PieceLayout;
  /** What is verified and on disk already. */
  readonly have: Bitfield;
  readonly store: PieceStore;
  readonly connector: PeerConnector;
  readonly ledger: Ledger;
  readonly bans: Bans;
  readonly meter: Meter;
  readonly random: Random;
  /** What all downloads of this agent may have in flight. */
  readonly budget: OutstandingBudget;
  /** How fast it may ask. */
  readonly rate: RateShare;
  /** Where its time goes. */
  readonly account: DownloadAccount;
  readonly tracker: Pick<TrackerPort, 'connected' | 'widen'>;
  readonly locality: Locality;
  readonly log: Logger;
}

export interface DownloadOutcome {
  verified(piece: number): void;
  complete(): void;
  /** The disk failed: nothing more happens until the session is stopped. */
  failed(error: EnjambreError): void;
}

/** What may be on its way to disk, twice. */
const MAX_LOST_BYTES = 2 * DEFAULT_TOTAL_BYTES;

/** Ends of a link that an honest peer does not cause; the last is gRPC's word for a message over the limit. */
const BREACHES: ReadonlySet<string> = new Set(['PROTOCOL_VIOLATION', 'BAD_BITFIELD', 'RESOURCE_EXHAUSTED']);

/** Runs the engine of one download: links and disk on one side, decisions on the other. */
export class DownloadSession implements SwarmHandler, SwarmListener {
  readonly #parts: DownloadComponents;
  readonly #outcome: DownloadOutcome;
  readonly #share: BudgetShare;
  readonly #engine: DownloadEngine;
  readonly #links: SwarmLinks;
  readonly #pace: SendingPace;
  readonly #times: PieceTimes;
  readonly #blockLength: number;
  #timer: NodeJS.Timeout | undefined;
  #writes = 0;
  #idle: (() => void) | undefined;
  /** Of blocks lost on their way to disk since the last that was stored. */
  #lostBytes = 0;
  readonly #culprits = new Culprits();
  #stopped = false;
  /** The tracker has named the peers that there are. */
  #isTold = false;
  #lastProblem = '';
  /** Bytes received when the time was last accounted for. */
  #bookedBytes = 0;

  constructor(parts: DownloadComponents, outcome: DownloadOutcome) {
    this.#parts = parts;
    this.#outcome = outcome;
    this.#times = new PieceTimes(parts.meter.pieceTimes);
    this.#share = parts.budget.share(parts.rate);
    this.#engine = new DownloadEngine({
      ...parts,
      self: parts.locality.self,
      budget: this.#share,
    });
    this.#blockLength = Math.min(BLOCK_SIZE, parts.metainfo.pieceLength);
    this.#links = new SwarmLinks(
      {
        connector: parts.connector,
        infohash: parts.metainfo.infohash,
        layout: parts.layout,
        have: this.#engine.have,
        isBanned: (peer) =>
          parts.bans.reasonFor(peer) !== undefined || this.#culprits.isParked(peer, performance.now()),
        widen: () => parts.tracker.widen(parts.metainfo.infohash),
        nowMs: () => performance.now(),
        random: parts.random,
      },
      this,
    );
    this.#pace = new SendingPace(parts.rate, this.#links);
  }

  /** Verified pieces, live. */
  get have(): Bitfield {
    return this.#engine.have;
  }

  get linkCounts(): { known: number; ready: number } {
    return this.#links.counts;
  }

  /** True if a peer that a link stands to has said that it has the piece. */
  readonly peerHas = (peer: PeerId, piece: number): boolean => this.#engine.peerHas(peer, piece);

  /** Why it does not get on, for people; empty if it does. */
  get problem(): string {
    if (this.#stopped || this.#engine.isComplete) return '';
    if (this.#links.counts.known > 0)
      return linksText(this.#links.states, performance.now(), this.#lastProblem);
    return this.#isTold ? 'no other peer has it at present' : 'waiting for the tracker to name peers';
  }

  start(): void {
    this.#bookedBytes = this.#parts.ledger.downloaded;
    this.#timer = setInterval(() => {
      this.#links.review();
      for (const { peer, pieces } of this.#culprits.forgiven(performance.now()))
        this.#feed({ type: 'source-has', source: peer, pieces });
      this.#pace.review();
      this.#feed({ type: 'tick' });
      this.#bookTime();
    }, TICK_MS);
  }

  /** Says what the time since the last tick went to. */
  #bookTime(): void {
    if (this.#stopped || this.#engine.isComplete) return;
    const { account, ledger, tracker } = this.#parts;
    const stalled = ledger.downloaded === this.#bookedBytes;
    this.#bookedBytes = ledger.downloaded;
    const bottleneck = this.#engine.takeBottleneck(stalled);
    const { known } = this.#links.counts;
    account.settle(causeOf(bottleneck, { known, trackerAway: !tracker.connected }), stalled);
  }

  /** Ends all links and waits until nothing is being written any more. */
  async stop(reason: string, message: string): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#links.close(reason, message);
    if (this.#writes > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    this.#share.use(false, 0);
  }

  /** Tells the peers that we download from what we have since. */
  announceHave(pieces: readonly number[]): void {
    this.#links.have(pieces);
  }

  peers(change: Parameters<SwarmListener['peers']>[0]): void {
    this.#isTold = true;
    this.#links.update(change);
  }

  heard(news: SourceNews, peer: PeerAddress): void {
    const { account, ledger } = this.#parts;
    switch (news.type) {
      case 'source-joined':
        return this.#joined(news, peer);
      case 'source-left':
        this.#note(peer, news.error);
        ledger.streamClosed(peer.peerId);
        break;
      case 'block-arrived':
        return this.#feed(news, { peer: news.source, data: news.data });
      case 'block-rejected':
        account.note('refusal');
        break;
      default:
        break;
    }
    this.#feed(news);
  }

  #joined(news: Extract<SourceNews, { type: 'source-joined' }>, peer: PeerAddress): void {
    const { account, ledger, locality } = this.#parts;
    if (ledger.linkOpened(peer)) account.note('reconnection');
    this.#pace.joined(peer.peerId);
    this.#culprits.joined(peer.peerId, news.has);
    this.#feed({ ...news, distance: locality.distanceTo(peer.labels ?? {}) });
  }

  unreachable(peer: PeerAddress, error: EnjambreError): void {
    this.#note(peer, error);
    this.#parts.account.note('unreachable');
    this.#lastProblem = `${peer.name} at ${peer.endpoint}: ${error.message}`;
  }

  #feed(event: DownloadEvent, arrived?: { peer: PeerId; data: Buffer }): void {
    if (this.#stopped) return;
    for (const effect of this.#engine.handle(event, performance.now())) this.#apply(effect, arrived);
  }

  #apply(effect: DownloadEffect, arrived: { peer: PeerId; data: Buffer } | undefined): void {
    switch (effect.type) {
      case 'request':
        return this.#request(effect);
      case 'request-any':
        return this.#links.get(effect.source)?.requestAny(effect.id, effect);
      case 'cancel':
        this.#parts.account.note('withdrawal');
        return this.#links.get(effect.source)?.cancel(effect.id);
      case 'store':
        if (arrived) this.#store(effect.ref, arrived);
        return;
      case 'discard':
        return this.#discard(arrived);
      case 'verified':
        return this.#verified(effect.piece);
      case 'failed':
        this.#parts.account.note('hash-failure');
        return this.#parts.ledger.spoilt(this.#parts.layout.pieceSize(effect.piece));
      case 'ban':
        return this.#blame(effect);
      case 'violation':
        return this.#violation(effect.source, effect.reason);
      case 'complete':
        this.#bookTime();
        this.#parts.account.enter('finishing');
        return this.#outcome.complete();
    }
  }

  #verified(piece: number): void {
    this.#parts.meter.piecesVerified += 1;
    this.#times.verified(piece);
    this.#outcome.verified(piece);
  }

  #discard(arrived: { peer: PeerId; data: Buffer } | undefined): void {
    if (!arrived) return;
    this.#parts.ledger.repeated(arrived.peer, arrived.data.length);
    this.#parts.account.repeated(arrived.data.length);
  }

  #request({ source: peer, id, ref }: Extract<DownloadEffect, { type: 'request' }>): void {
    this.#times.begin(ref.piece);
    const length = this.#parts.layout.blockSize(ref.piece, ref.block);
    this.#links.request(peer, id, { piece: ref.piece, begin: ref.block * this.#blockLength, length });
  }

  #store(ref: { piece: number; block: number }, { peer, data }: { peer: PeerId; data: Buffer }): void {
    this.#times.begin(ref.piece);
    this.#parts.ledger.received(peer, data.length);
    this.#parts.account.blockCame();
    this.#writes += 1;
    this.#parts.store.write(ref.piece, ref.block, data).then(
      (digest) => {
        this.#written();
        this.#lostBytes = 0;
        this.#feed({ type: 'block-stored', ref, digest });
      },
      (error: unknown) => {
        this.#written();
        this.#notStored(ref, EnjambreError.from(error));
      },
    );
  }

  /** A block that was lost is asked for again, unless that happens to one after the other. */
  #notStored(ref: { piece: number; block: number }, error: EnjambreError): void {
    if (this.#stopped) return;
    this.#lostBytes += this.#parts.layout.blockSize(ref.piece, ref.block);
    const mayTryAgain = error.reason === BLOCK_LOST && this.#lostBytes <= MAX_LOST_BYTES;
    if (!mayTryAgain) return this.#outcome.failed(error);
    this.#parts.log.warn(
      { err: error, piece: ref.piece },
      'a block was lost on its way to disk: it is asked for again',
    );
    this.#feed({ type: 'block-stored', ref, digest: undefined });
  }

  #written(): void {
    this.#writes -= 1;
    if (this.#writes === 0) this.#idle?.();
  }

  /** A peer sent a bad piece, which may be no fault of its own: it is told, left alone for a while, and banned if it does so again and again. */
  #blame({ source: peer, piece, reason }: Extract<DownloadEffect, { type: 'ban' }>): void {
    const { account, bans, ledger, metainfo } = this.#parts;
    if (this.#culprits.hasWithdrawn(peer)) return;
    const parkMs = bans.offend(
      { peerId: peer, name: ledger.nameOf(peer), infohash: metainfo.infohash },
      reason,
    );
    this.#culprits.blame(peer, piece, { parkMs, nowMs: performance.now() });
    if (bans.reasonFor(peer) !== undefined) account.note('ban');
    this.#links.drop(peer, 'BAD_PIECE', reason, piece);
  }

  /** Takes note of why a link ended; who broke the protocol gets a strike. */
  #note({ peerId, name }: PeerAddress, error: EnjambreError): void {
    const { log, bans, metainfo } = this.#parts;
    log.debug({ peer: peerId, reason: error.reason }, `link to ${name} ended: ${error.message}`);
    if (error.reason === CONTENT_CHANGED) {
      this.#culprits.withdrew(peerId);
      bans.pardon(peerId, metainfo.infohash);
    }
    if (!BREACHES.has(error.reason)) return;
    log.warn(
      { peer: peerId, reason: error.reason },
      `peer ${name} (${shortId(peerId)}) broke the protocol: ${error.message}`,
    );
    bans.strike({ peerId, name, infohash: metainfo.infohash }, error.message);
  }

  #violation(peer: PeerId, reason: string): void {
    this.#links.drop(peer, 'PROTOCOL_VIOLATION', reason);
  }
}
