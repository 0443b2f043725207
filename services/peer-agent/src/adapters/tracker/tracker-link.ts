import { setMaxListeners } from 'node:events';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { infoHashFromBytes, infoHashToBytes, type InfoHash } from '@enjambre/core/ids';
import type { Dialer } from '@enjambre/rpc/dialer';
import type { PeerIdentity } from '@enjambre/common/identity/identity';
import { learnTrust, type TrustHolder } from '@enjambre/common/trust/trust-news';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import { firstOf, type Attempt } from '@enjambre/common/async/first-of';
import { adviceOn, Reconnection } from '@enjambre/common/async/reconnection';
import type {
  PeerDelta,
  Problem,
  RefusedEndpoint,
  TrustNews,
  Welcome,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type {
  BanReport,
  FindOptions,
  SharedFile,
  Membership,
  Failure,
  MembershipEvent,
  SwarmListener,
  TrackerPort,
} from '../../app/ports/tracker.js';
import { WIDE_WATCH_PEERS } from '../../domain/swarm-constants.js';
import { banMessage, deltaFromWire, membershipMessage } from './convert.js';
import { TrackerQueries } from './tracker-queries.js';
import { TrackerPool, type PooledTracker, type ResolveHost } from './tracker-pool.js';
import { logWelcome } from './log-welcome.js';
import { Objections } from './objections.js';
import {
  TrackerSession,
  type AgentDescription,
  type TrackerMessage,
  type TrackerSessionListener,
} from './tracker-session.js';

export interface TrackerLinkComponents {
  readonly dialer: Dialer;
  readonly identity: PeerIdentity;
  readonly log: Logger;
  /** What this agent knows of the CAs, of which the tracker sends news. Undefined without TLS. */
  readonly trust?: TrustHolder | undefined;
}

export interface TrackerLinkInit {
  /** Trackers of one network, each "host:port": one of them is used, the next when it is lost. */
  readonly addresses: readonly string[];
  /** @default the system's */
  readonly resolve?: ResolveHost;
  /** Read at each connection: the port may be known only after start. */
  readonly description: () => AgentDescription;
  /** File with the token of this machine's operator. @default none */
  readonly operatorTokenFile?: string | undefined;
}

/** News kept per transfer: that it started, paused, resumed or ended. */
const MAX_NEWS = 8;
/** Bans kept for the next session; the oldest are dropped first. */
const MAX_UNTOLD_BANS = 20;
/** Maximum time until a tracker welcomes the agent; shorter if there is another tracker. */
const WELCOME_TIMEOUT_MS = 10_000;
const NEXT_TIMEOUT_MS = 4000;

/**
 * The agent's connection to its tracker: one session after another. Everything is announced again in each, so that a
 * tracker that lost its state has it back within seconds.
 */
export class TrackerLink implements TrackerPort, TrackerSessionListener, Startable {
  readonly #parts: TrackerLinkComponents;
  readonly #init: TrackerLinkInit;
  /** The tracker's view of the whole network, for people. */
  readonly network: TrackerQueries;
  readonly #pool: TrackerPool;
  readonly #reconnection = new Reconnection(() => performance.now());
  readonly #memberships = new Map<InfoHash, Membership>();
  readonly #watches = new Map<InfoHash, SwarmListener>();
  /** Swarms for which the usual number of peers does not suffice. */
  readonly #wide = new Set<InfoHash>();
  /** News that occurred while there was no session, announced in the next one. */
  readonly #news = new Map<InfoHash, TrackerMessage[]>();
  /** Bans not yet reported to a tracker. */
  #untold: BanReport[] = [];
  readonly #objections: Objections;
  #onFuture: ((infohash: InfoHash) => void) | undefined;
  #session: TrackerSession | undefined;
  #welcome: Welcome | undefined;
  #problem = 'connecting';
  /** Last problem logged for each tracker. */
  readonly #told = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  /** Sessions that ended since the last welcome: each was with the next tracker. */
  #refusals = 0;
  readonly #stopping = new AbortController();
  /** Epoch of the last session; see Hello in the proto. */
  #epoch = 0;

  constructor(parts: TrackerLinkComponents, init: TrackerLinkInit) {
    this.#parts = parts;
    this.#init = init;
    this.#pool = new TrackerPool(parts.dialer, { ...init, key: parts.identity.peerId });
    // Each look-up in progress listens to it, and there may be many.
    setMaxListeners(0, this.#stopping.signal);
    this.#objections = new Objections({ log: parts.log, retry: (infohashes) => this.#retry(infohashes) });
    this.network = new TrackerQueries({
      pool: this.#pool,
      session: this,
      stopping: this.#stopping.signal,
      operatorTokenFile: init.operatorTokenFile,
    });
  }

  /** The tracker in use, or currently being tried. */
  get address(): string {
    return this.#pool.address;
  }

  /** True if that tracker is on this machine: then other agents are, too. */
  get isHere(): boolean {
    return this.#pool.isHere;
  }

  get connected(): boolean {
    return this.#welcome !== undefined;
  }

  /** A session is open or being opened. */
  get begun(): boolean {
    return this.#session !== undefined;
  }

  /** The address of this agent that the tracker gives to peers; empty while there is no session. */
  get endpoint(): string {
    return this.#welcome?.endpoint ?? '';
  }

  /**
   * All addresses of this agent that the tracker gives to peers on other hosts; empty while there is no session, and
   * with an older tracker.
   */
  get endpoints(): readonly string[] {
    return this.#welcome?.endpoints ?? [];
  }

  /** True if the tracker has peers on other hosts, which cannot reach this agent. */
  get unreachable(): boolean {
    return this.#welcome?.unreachable ?? false;
  }

  /** Endpoints of this agent that its tracker does not give to peers. */
  get refusedEndpoints(): readonly RefusedEndpoint[] {
    return this.#welcome?.refusedEndpoints ?? [];
  }

  /** The tracker's version; empty while there is no session. */
  get version(): string {
    return this.#welcome?.version ?? '';
  }

  /** Why there is no session; empty if there is one. */
  get problem(): string {
    return this.connected ? '' : this.#problem;
  }

  start(): Promise<void> {
    void this.#open();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    this.#objections.clear();
    this.#session?.close();
    this.#pool.close();
    return Promise.resolve();
  }

  announce(membership: Membership, event: MembershipEvent, failure?: Failure): void {
    this.#memberships.set(membership.infohash, membership);
    const message = membershipMessage(membership, event, failure);
    this.#say(message);
    if (!this.connected && event !== 'update' && event !== 'numbers')
      this.#keepNews(membership.infohash, message);
  }

  withdraw(infohash: InfoHash): void {
    this.#news.delete(infohash);
    this.#wide.delete(infohash);
    if (this.#memberships.delete(infohash)) {
      this.#say({ $case: 'withdraw', value: { infohash: infoHashToBytes(infohash) } });
    }
  }

  watch(infohash: InfoHash, listener: SwarmListener): void {
    this.#watches.set(infohash, listener);
    this.#say(this.#watchMessage(infohash));
  }

  widen(infohash: InfoHash): void {
    if (!this.#watches.has(infohash)) return;
    this.#wide.add(infohash);
    this.#say(this.#watchMessage(infohash));
  }

  unwatch(infohash: InfoHash): void {
    if (this.#watches.delete(infohash)) {
      this.#say({ $case: 'unwatch', value: { infohash: infoHashToBytes(infohash) } });
    }
  }

  reportBan(ban: BanReport): void {
    if (this.connected) this.#say(banMessage(ban));
    else this.#untold = [...this.#untold, ban].slice(-MAX_UNTOLD_BANS);
  }

  findFiles(query: string, options: FindOptions = {}): Promise<readonly SharedFile[]> {
    return this.network.findFiles(query, options);
  }

  welcome(welcome: Welcome): void {
    this.#welcome = welcome;
    this.#told.delete(this.address);
    this.#refusals = 0;
    this.#reconnection.opened();
    logWelcome(this.#parts.log, this.address, welcome);
    const inOrder = [...this.#memberships.values()].sort((one, other) => one.addedAtMs - other.addedAtMs);
    for (const membership of inOrder) {
      for (const message of this.#news.get(membership.infohash) ?? []) this.#say(message);
      this.#say(membershipMessage(membership, 'update'));
      if (membership.origin && membership.uploadedBytes > 0)
        this.#say(membershipMessage(membership, 'numbers'));
    }
    this.#news.clear();
    for (const infohash of this.#watches.keys()) this.#say(this.#watchMessage(infohash));
    for (const ban of this.#untold.splice(0)) this.#say(banMessage(ban));
  }

  delta(delta: PeerDelta): void {
    try {
      const { infohash, ...change } = deltaFromWire(delta);
      this.#watches.get(infohash)?.peers(change);
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'the tracker sent invalid peers');
    }
  }

  /** Sets the listener for files of which the tracker refuses a publication as of the future. Called once, before start. */
  onFuturePublication(listener: (infohash: InfoHash) => void): void {
    this.#onFuture = listener;
  }

  objection(problem: Problem): void {
    this.#objections.add(problem);
    const { reason, infohash } = problem;
    if (reason === 'PUBLICATION_IN_FUTURE' && infohash.length === 32)
      this.#onFuture?.(infoHashFromBytes(infohash));
  }

  trustNews(news: TrustNews): void {
    const { trust, log } = this.#parts;
    if (!trust) return;
    learnTrust(trust, news).catch((err: unknown) => {
      log.warn({ err }, `what the tracker says of the CAs is not kept: ${messageOf(err)}`);
    });
  }

  closed(error: EnjambreError): void {
    const wasConnected = this.connected;
    this.#welcome = undefined;
    this.#session = undefined;
    this.#objections.clear();
    if (wasConnected) this.#told.delete(this.address);
    this.#tellAway(this.address, error);
    this.#refusals += 1;
    // Another tracker may have room: its own refusal says when to try again.
    const othersLeft = this.#refusals % this.#pool.size !== 0;
    const { reason, message, retryAfterMs } = error;
    this.#openLater({ reason, message, retryAfterMs: othersLeft ? undefined : retryAfterMs });
  }

  #tellAway(tracker: string, { reason, message }: EnjambreError): void {
    if (this.#told.get(tracker) === message) return;
    this.#told.set(tracker, message);
    this.#parts.log.warn(
      { tracker, reason },
      `no session with tracker ${tracker}: ${message}; ${adviceOn(reason)}`,
    );
  }

  #openLater(error: Pick<EnjambreError, 'reason' | 'message' | 'retryAfterMs'>): void {
    const waitMs = this.#reconnection.waitMs(error);
    this.#problem = error.message;
    if (this.#stopping.signal.aborted) return;
    this.#pool.advance();
    this.#timer = setTimeout(() => void this.#open(), waitMs);
  }

  /** Dials the trackers, each with a short head start, and introduces the agent to the first that answers. */
  async #open(): Promise<void> {
    await this.#pool.refresh();
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    const dialed = new Map<TrackerSession, string>();
    const dial = async ({ address, client }: PooledTracker, attempt: Attempt): Promise<TrackerSession> => {
      const session = new TrackerSession(client, this.#welcomeMs, this);
      dialed.set(session, address);
      await this.#dial(session, address, attempt.signal);
      return session;
    };
    try {
      const session = await firstOf([...this.#pool.inTurn()], dial, signal);
      for (const other of dialed.keys()) if (other !== session) other.abandon();
      this.#pool.use(dialed.get(session) ?? '');
      this.#epoch = Math.max(this.#epoch + 1, Date.now());
      const { identity } = this.#parts;
      this.#session = session;
      session.greet({ identity, description: this.#init.description(), epoch: this.#epoch });
    } catch (error) {
      this.#openLater(EnjambreError.from(error));
    }
  }

  /** Resolves when the tracker has sent its challenge. */
  async #dial(session: TrackerSession, address: string, ended: AbortSignal): Promise<void> {
    const abandon = (): void => {
      session.abandon();
    };
    ended.addEventListener('abort', abandon, { once: true });
    try {
      await session.challenged;
    } catch (error) {
      if (!ended.aborted) this.#tellAway(address, EnjambreError.from(error));
      throw error;
    } finally {
      ended.removeEventListener('abort', abandon);
    }
  }

  #retry(infohashes: readonly InfoHash[]): void {
    for (const infohash of infohashes) {
      const membership = this.#memberships.get(infohash);
      if (membership) this.#say(membershipMessage(membership, 'update'));
      if (this.#watches.has(infohash)) this.#say(this.#watchMessage(infohash));
    }
  }

  get #welcomeMs(): number {
    return this.#pool.size > 1 ? NEXT_TIMEOUT_MS : WELCOME_TIMEOUT_MS;
  }

  #watchMessage(infohash: InfoHash): TrackerMessage {
    const maxPeers = this.#wide.has(infohash) ? WIDE_WATCH_PEERS : 0;
    return { $case: 'watch', value: { infohash: infoHashToBytes(infohash), maxPeers } };
  }

  #keepNews(infohash: InfoHash, message: TrackerMessage): void {
    const news = this.#news.get(infohash) ?? [];
    this.#news.set(infohash, [...news, message].slice(-MAX_NEWS));
  }

  /** Nothing is sent while there is no session: the next session announces everything again. */
  #say(message: TrackerMessage): void {
    if (this.connected) this.#session?.send(message);
  }
}
