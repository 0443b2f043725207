import type { Bitfield } from '@enjambre/core/bitfield';
import type { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import type { Logger } from '@enjambre/common/log/logger';
import type { BlockRef } from '../../domain/block.js';
import type { Wait } from './wait.js';
import { DownloadEngine } from '../../domain/download/download-engine.js';
import type { DownloadEffect, DownloadEvent } from '../../domain/download/messages.js';
import type { BudgetShare, OutstandingBudget } from '../../domain/download/outstanding-budget.js';
import { causeOf } from '../../domain/explain/cause-of.js';
import type { Cause } from '../../domain/explain/causes.js';
import type { DownloadAccount } from '../../domain/explain/download-account.js';
import type { Random } from '../../domain/random.js';
import { TICK_MS } from '../../domain/swarm-constants.js';
import type { Bans } from '../agent/bans.js';
import type { Ledger } from '../agent/ledger.js';
import type { TransferLimits } from '../agent/limits.js';
import type { Locality } from '../agent/locality.js';
import type { Meter } from '../agent/meter.js';
import type { Discovery, SwarmListener } from '../ports/tracker.js';
import type { PeerAddress, PeerConnector, SourceNews } from '../ports/peers.js';
import type { ProgressLog } from '../ports/archives.js';
import type { Content } from '../content.js';
import type { ComplaintTurns } from '../upload/complaint-turns.js';
import { Serving } from '../upload/serving.js';
import { Blame } from './blame.js';
import { BlockWrites } from './block-writes.js';
import { Checkpoints } from './checkpoints.js';
import { linksText, stallText } from './links-text.js';
import { WAITING_FOR_PEERS } from './metainfo-text.js';
import { PieceTimes } from './piece-times.js';
import { SendingPace } from './sending-pace.js';
import { SwarmLinks, type SwarmHandler } from './swarm-links.js';
import type { Clock, Timer } from '@enjambre/common/async/clock';

export interface DownloadComponents {
  readonly clock: Clock;
  readonly content: Content;
  /** Pieces already verified and on disk. */
  readonly have: Bitfield;
  readonly progress: ProgressLog;
  readonly connector: PeerConnector;
  /** Finds the peers of the swarm. */
  readonly tracker: Discovery;
  readonly ledger: Ledger;
  readonly bans: Bans;
  readonly meter: Meter;
  readonly random: Random;
  /** Limits the bytes in flight of all downloads of this agent. */
  readonly budget: OutstandingBudget;
  /** Rate limits of its requests and of its uploads. */
  readonly limits: TransferLimits;
  /** Accounts for its time. */
  readonly account: DownloadAccount;
  readonly locality: Locality;
  readonly log: Logger;
  /** Announces the progress. */
  readonly announce: () => void;
  /** See {@link Checkpoints}. */
  readonly claimed: (saved: boolean) => void;
  /** See {@link Serving}. */
  readonly turns: ComplaintTurns;
  readonly damaged: (error: EnjambreError) => void;
  /** Interval of checkpoints. @default 5000 */
  readonly checkpointMs?: number;
}

const CHECKPOINT_MS = 5000;
/** Minimum interval of announcements. */
const ANNOUNCE_MS = 1000;

/** A block that arrived, with its sender. */
interface Arrived {
  readonly source: PeerId;
  readonly data: Buffer;
}

/**
 * A download from the first request to the last piece: runs the {@link DownloadEngine} with links, disk and clock,
 * takes checkpoints and announces progress. Serves verified pieces meanwhile.
 */
export class Download implements SwarmHandler, SwarmListener {
  readonly serving: Serving;
  readonly #parts: DownloadComponents;
  readonly #share: BudgetShare;
  readonly #engine: DownloadEngine;
  readonly #links: SwarmLinks;
  readonly #pace: SendingPace;
  readonly #times: PieceTimes;
  readonly #blame: Blame;
  readonly #writes: BlockWrites;
  readonly #checkpoints: Checkpoints;
  readonly #timers: Timer[] = [];
  readonly #outcome: Promise<void>;
  #succeed: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  #stopped = false;
  /** The tracker has reported the peers of the swarm. */
  #isTold = false;
  #lastProblem = '';
  /** What it has been waiting for since the last data. */
  #stall: { readonly cause: Cause; readonly sinceMs: number } | undefined;
  /** Bytes received when time was last accounted for. */
  #bookedBytes = 0;

  constructor(parts: DownloadComponents) {
    this.#parts = parts;
    this.#outcome = new Promise<void>((resolve, reject) => {
      this.#succeed = resolve;
      this.#fail = reject;
    });
    const { clock, content, random, limits, ledger, meter, log } = parts;
    const { layout, metainfo, store } = content;
    const { infohash } = metainfo;
    this.#times = new PieceTimes(clock, meter.pieceTimes);
    this.#share = parts.budget.share(limits.download);
    const engine = { layout, have: parts.have, selected: content.selection.pieces, random };
    this.#engine = new DownloadEngine({ ...engine, self: parts.locality.self, budget: this.#share });
    const { have } = this.#engine;
    this.#blame = new Blame({ ...parts, infohash });
    this.#links = new SwarmLinks(
      {
        connector: parts.connector,
        infohash,
        layout,
        have,
        isBanned: (peer) => this.#blame.shuns(peer),
        widen: () => parts.tracker.widen(infohash),
        nowMs: () => clock.nowMs(),
        random,
      },
      this,
    );
    this.#pace = new SendingPace(limits.download, this.#links);
    this.#writes = new BlockWrites({
      store,
      layout,
      log,
      stored: (ref, digest) => this.#feed({ type: 'block-stored', ref, digest }),
      failed: this.#fail,
    });
    const { progress, claimed, damaged, turns } = parts;
    this.#checkpoints = new Checkpoints({
      clock,
      content,
      have,
      progress,
      meter,
      log,
      claimed,
      failed: this.#fail,
    });
    const holds = (peer: PeerId, piece: number): boolean => this.#engine.peerHas(peer, piece);
    const share = limits.upload;
    this.serving = new Serving({ clock, ...content, have, ledger, share, random, damaged, turns, holds });
    this.serving.subscribe({ has: (pieces) => this.#links.have(pieces) });
  }

  /** Verified pieces, live. */
  get have(): Bitfield {
    return this.#engine.have;
  }

  get linkCounts(): { known: number; ready: number } {
    return this.#links.counts;
  }

  /** Why it makes no progress, or cannot save it. */
  get problem(): Wait {
    const message = this.#swarmProblem || this.#stallProblem;
    return message === '' ? this.#checkpoints.problem : { reason: '', message };
  }

  get #swarmProblem(): string {
    if (this.#stopped || this.#engine.isComplete) return '';
    if (this.#links.counts.known > 0)
      return linksText(this.#links.states, this.#parts.clock.nowMs(), this.#lastProblem);
    return this.#isTold ? 'no other peer has it' : WAITING_FOR_PEERS;
  }

  get #stallProblem(): string {
    if (!this.#stall || this.#stopped || this.#engine.isComplete) return '';
    return stallText(this.#stall, this.#parts.clock.nowMs());
  }

  /** Resolves when all pieces are verified, or when `signal` aborts; rejects when the disk fails. */
  async complete(signal: AbortSignal): Promise<void> {
    const halted = (): boolean => signal.aborted;
    if (halted()) return;
    signal.addEventListener('abort', this.#succeed, { once: true });
    await this.#checkpoints.begin();
    if (halted()) return;
    const { tracker, content, announce, ledger, checkpointMs = CHECKPOINT_MS } = this.#parts;
    tracker.watch(content.metainfo.infohash, this);
    this.#bookedBytes = ledger.downloaded;
    this.#every(TICK_MS, () => this.#tick());
    let told = this.have.count;
    this.#every(checkpointMs, this.#checkpoints.inPassing);
    this.#every(ANNOUNCE_MS, () => {
      if (this.have.count !== told) announce();
      told = this.have.count;
    });
    await this.#outcome;
  }

  /** See {@link Checkpoints.save}. */
  checkpoint(): Promise<void> {
    return this.#checkpoints.save();
  }

  /** Ends all links and resolves when no write is in progress. Keeps serving downloaders. */
  async stop(reason: string, message: string): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#parts.tracker.unwatch(this.#parts.content.metainfo.infohash);
    // Uploaders should also learn of the last pieces before their links end.
    this.serving.tellNow();
    this.#stopped = true;
    this.#links.close(reason, message);
    await this.#writes.stop();
    this.#share.use(false, 0);
  }

  #every(ms: number, work: () => void): void {
    this.#timers.push(this.#parts.clock.every(ms, work));
  }

  #tick(): void {
    this.#links.review();
    for (const { peer, pieces } of this.#blame.forgiven())
      this.#feed({ type: 'source-has', source: peer, pieces });
    this.#pace.review();
    this.#feed({ type: 'tick' });
    this.#bookTime();
  }

  /** Attributes the time since the last tick to a cause. */
  #bookTime(): void {
    if (this.#stopped || this.#engine.isComplete) return;
    const { account, clock, ledger, tracker } = this.#parts;
    const stalled = ledger.downloaded === this.#bookedBytes;
    this.#bookedBytes = ledger.downloaded;
    const bottleneck = this.#engine.takeBottleneck(stalled);
    const { known } = this.#links.counts;
    const cause = causeOf(bottleneck, { known, trackerAway: !tracker.connected });
    account.settle(cause, stalled);
    if (!stalled) this.#stall = undefined;
    else if (this.#stall?.cause !== cause) this.#stall = { cause, sinceMs: clock.nowMs() };
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
        this.#blame.linkEnded(peer, news.error);
        ledger.streamClosed(peer.peerId);
        break;
      case 'block-arrived':
        return this.#feed(news, news);
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
    this.#blame.joined(peer.peerId, news.has);
    this.#feed({ ...news, distance: locality.distanceTo(peer.labels ?? {}) });
  }

  unreachable(peer: PeerAddress, error: EnjambreError): void {
    this.#blame.linkEnded(peer, error);
    this.#parts.account.note('unreachable');
    this.#lastProblem = `${peer.name} at ${peer.endpoint}: ${error.message}`;
  }

  #feed(event: DownloadEvent, arrived?: Arrived): void {
    if (this.#stopped) return;
    for (const effect of this.#engine.handle(event, this.#parts.clock.nowMs())) this.#apply(effect, arrived);
  }

  #apply(effect: DownloadEffect, arrived: Arrived | undefined): void {
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
        return this.#parts.ledger.spoilt(this.#parts.content.layout.pieceSize(effect.piece));
      case 'ban':
        return this.#badPiece(effect);
      case 'violation':
        return this.#links.drop(effect.source, 'PROTOCOL_VIOLATION', effect.reason);
      case 'complete':
        this.#bookTime();
        this.#parts.account.enter('finishing');
        return this.#succeed();
    }
  }

  #verified(piece: number): void {
    this.#parts.meter.piecesVerified += 1;
    this.#times.verified(piece);
    this.#checkpoints.verified(piece);
    this.serving.verified(piece);
  }

  #discard(arrived: Arrived | undefined): void {
    if (!arrived) return;
    this.#parts.ledger.repeated(arrived.source, arrived.data.length);
    this.#parts.account.repeated(arrived.data.length);
  }

  #request({ source, id, ref }: Extract<DownloadEffect, { type: 'request' }>): void {
    this.#times.begin(ref.piece);
    const { layout } = this.#parts.content;
    const length = layout.blockSize(ref.piece, ref.block);
    this.#links.request(source, id, { piece: ref.piece, begin: ref.block * layout.longestBlock, length });
  }

  #store(ref: BlockRef, { source, data }: Arrived): void {
    this.#times.begin(ref.piece);
    this.#parts.ledger.received(source, data.length);
    this.#parts.account.blockCame();
    this.#writes.write(ref, data);
  }

  #badPiece({ source, piece, reason }: Extract<DownloadEffect, { type: 'ban' }>): void {
    if (this.#blame.badPiece(source, piece, reason)) this.#links.drop(source, 'BAD_PIECE', reason, piece);
  }
}
