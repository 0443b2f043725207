import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import { idDigits } from '@enjambre/core/named';
import { sameName } from '@enjambre/core/names';
import { NO_FAILURE } from '../../src/domain/transfer-record.js';
import type { PeerAddress } from '../../src/app/ports/peers.js';
import type {
  BanReport,
  FindOptions,
  Failure,
  Membership,
  MembershipEvent,
  SharedFile,
  SwarmListener,
  TrackerPort,
} from '../../src/app/ports/tracker.js';

/** Messages of an agent that a tracker receives in a session. */
export type Heard =
  | {
      readonly type: 'announce';
      readonly membership: Membership;
      readonly event: MembershipEvent;
      readonly reason: string;
      readonly message: string;
    }
  | { readonly type: 'withdraw'; readonly infohash: InfoHash }
  | ({ readonly type: 'ban' } & BanReport);

/** A peer of one swarm, or of every swarm. */
interface Place {
  readonly infohash: InfoHash | undefined;
  readonly peer: PeerAddress;
  /** Listed only for watches that request more peers. */
  readonly beyond: boolean;
}

/** A file that the catalogue lists under another name than its own, without a publisher. */
export function misnamedFile(infohash: InfoHash): SharedFile {
  const facts = {
    size: 0,
    pieceLength: 0,
    fileCount: 1,
    publications: [],
    superseded: false,
    disputed: false,
  };
  return { infohash, name: 'unknown', ...facts };
}

type Change = Parameters<SwarmListener['peers']>[0];

/** State of one swarm. */
interface Watch {
  readonly listener: SwarmListener;
  wide: boolean;
}

/** A tracker in memory, including the agent's session: the test opens and ends it, and sets the peers of the swarms. */
export class MemoryTracker implements TrackerPort {
  /** Messages received in each session. */
  readonly sessions: Heard[][] = [];
  /** Messages on its swarms, without byte counts: the events of announces, and `withdraw`. */
  readonly said: string[] = [];
  /** Number of look-ups in the catalogue. */
  lookups = 0;
  /** Files in the catalogue. */
  readonly files: SharedFile[] = [];
  readonly #watches = new Map<InfoHash, Watch>();
  readonly #memberships = new Map<InfoHash, Membership>();
  /** News to report in the next session. */
  #unsaid: Heard[] = [];
  #places: Place[] = [];
  #session: Heard[] | undefined;

  /** @param isOpen true if there is a session from the start */
  constructor(isOpen = true) {
    if (isOpen) this.open();
  }

  get connected(): boolean {
    return this.#session !== undefined;
  }

  /** True while any swarm is watched. */
  get isWatched(): boolean {
    return this.#watches.size > 0;
  }

  /** Bans reported in all sessions. */
  get bans(): BanReport[] {
    return this.sessions.flat().flatMap((heard) => {
      if (heard.type !== 'ban') return [];
      const { peerId, reason, infohash } = heard;
      return [{ peerId, reason, infohash }];
    });
  }

  /** Opens a session: everything that still holds is announced in it. */
  open(): void {
    this.#session = [];
    this.sessions.push(this.#session);
    for (const heard of this.#unsaid.splice(0)) this.#session.push(heard);
    for (const membership of this.#memberships.values())
      this.#session.push({ type: 'announce', membership, event: 'update', ...NO_FAILURE });
    for (const infohash of this.#watches.keys()) this.#tellAll(infohash);
  }

  /** Ends the session. */
  lose(): void {
    this.#session = undefined;
  }

  /** Adds these peers to every swarm. */
  add(...peers: PeerAddress[]): void {
    for (const peer of peers) this.join(undefined, peer);
  }

  /** Adds these to every swarm, listed only for watches that request more peers. */
  addBeyond(...peers: PeerAddress[]): void {
    for (const peer of peers) this.join(undefined, peer, true);
  }

  /** Adds or changes a peer of a swarm, or of every swarm. */
  join(infohash: InfoHash | undefined, peer: PeerAddress, beyond = false): void {
    const isOther = (place: Place): boolean =>
      place.infohash !== infohash || place.peer.peerId !== peer.peerId;
    this.#places = [...this.#places.filter(isOther), { infohash, peer, beyond }];
    for (const [watched, { wide }] of this.#watches)
      if ((infohash ?? watched) === watched && (wide || !beyond))
        this.#tell(watched, { snapshot: false, upserted: [peer], removed: [] });
  }

  leave(infohash: InfoHash, peerId: PeerId): void {
    const isOther = (place: Place): boolean => place.infohash !== infohash || place.peer.peerId !== peerId;
    this.#places = this.#places.filter(isOther);
    this.#tell(infohash, { snapshot: false, upserted: [], removed: [peerId] });
  }

  watch(infohash: InfoHash, listener: SwarmListener): void {
    this.#watches.set(infohash, { listener, wide: false });
    this.#tellAll(infohash);
  }

  widen(infohash: InfoHash): void {
    const watch = this.#watches.get(infohash);
    if (!watch) return;
    watch.wide = true;
    this.#tellAll(infohash);
  }

  unwatch(infohash: InfoHash): void {
    this.#watches.delete(infohash);
  }

  announce(membership: Membership, event: MembershipEvent, failure: Failure = NO_FAILURE): void {
    if (event !== 'numbers') this.said.push(event);
    this.#memberships.set(membership.infohash, membership);
    const heard = {
      type: 'announce',
      membership,
      event,
      reason: failure.reason,
      message: failure.message,
    } as const;
    if (this.#session) this.#session.push(heard);
    else if (event !== 'update' && event !== 'numbers') this.#unsaid.push(heard);
  }

  withdraw(infohash: InfoHash): void {
    this.said.push('withdraw');
    this.#unsaid = this.#unsaid.filter(
      (heard) => heard.type !== 'announce' || heard.membership.infohash !== infohash,
    );
    if (this.#memberships.delete(infohash)) this.#session?.push({ type: 'withdraw', infohash });
  }

  reportBan(ban: BanReport): void {
    (this.#session ?? this.#unsaid).push({ type: 'ban', ...ban });
  }

  findFiles(query: string, { publisher = '' }: FindOptions = {}): Promise<readonly SharedFile[]> {
    this.lookups += 1;
    if (!this.#session) return Promise.reject(new EnjambreError('unavailable', 'NO_TRACKER', 'no tracker'));
    const digits = idDigits(query);
    const isNamed = ({ name }: SharedFile): boolean => sameName(name.trim(), query.trim());
    const isBy = ({ publications }: SharedFile): boolean =>
      publications.some(({ publisher: { id, name } }) => name === publisher || id.startsWith(publisher));
    if (publisher !== '') return Promise.resolve(this.files.filter((file) => isNamed(file) && isBy(file)));
    const matches = (file: SharedFile): boolean =>
      isNamed(file) || (digits !== undefined && file.infohash.startsWith(digits));
    return Promise.resolve(this.files.filter(matches));
  }

  /** Reports all peers of a swarm to its watcher. */
  #tellAll(infohash: InfoHash): void {
    const wide = this.#watches.get(infohash)?.wide === true;
    const upserted = this.#places
      .filter((place) => (place.infohash ?? infohash) === infohash && (wide || !place.beyond))
      .map(({ peer }) => peer);
    this.#tell(infohash, { snapshot: true, upserted, removed: [] });
  }

  /** Asynchronous, as over a network, and only in this session and to this watcher. */
  #tell(infohash: InfoHash, change: Change): void {
    const [watch, session] = [this.#watches.get(infohash), this.#session];
    if (!watch || !session) return;
    queueMicrotask(() => {
      if (this.#watches.get(infohash) === watch && this.#session === session) watch.listener.peers(change);
    });
  }
}
