import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import { idDigits } from '@enjambre/core/named';
import { sameName } from '@enjambre/core/names';
import type { PeerAddress } from '../../src/app/ports/peers.js';
import type {
  BanReport,
  Membership,
  MembershipEvent,
  SharedFile,
  SwarmListener,
  TrackerPort,
} from '../../src/app/ports/tracker.js';

/** What a tracker hears of an agent in a session. */
export type Heard =
  | {
      readonly type: 'announce';
      readonly membership: Membership;
      readonly event: MembershipEvent;
      readonly reason: string;
    }
  | { readonly type: 'withdraw'; readonly infohash: InfoHash }
  | ({ readonly type: 'ban' } & BanReport);

/** A peer of one swarm, or of each. */
interface Place {
  readonly infohash: InfoHash | undefined;
  readonly peer: PeerAddress;
  /** Named only to those that ask for more. */
  readonly beyond: boolean;
}

type Change = Parameters<SwarmListener['peers']>[0];

/** Of one swarm. */
interface Watch {
  readonly listener: SwarmListener;
  wide: boolean;
}

/** A tracker in memory, with the agent's session: a test opens and ends it, and says who is in the swarms. */
export class MemoryTracker implements TrackerPort {
  /** What the tracker heard in each session. */
  readonly sessions: Heard[][] = [];
  /** What the agent said of its swarms, numbers left out: the events of announces, and `withdraw`. */
  readonly said: string[] = [];
  /** Files in the catalogue. */
  readonly files: SharedFile[] = [];
  readonly #watches = new Map<InfoHash, Watch>();
  readonly #memberships = new Map<InfoHash, Membership>();
  /** What is to be said in the next session. */
  #unsaid: Heard[] = [];
  #places: Place[] = [];
  #session: Heard[] | undefined;

  /** @param isOpen whether there is a session from the start */
  constructor(isOpen = true) {
    if (isOpen) this.open();
  }

  get connected(): boolean {
    return this.#session !== undefined;
  }

  /** True while the peers of any swarm are watched. */
  get isWatched(): boolean {
    return this.#watches.size > 0;
  }

  /** Bans that were reported, in all sessions. */
  get bans(): BanReport[] {
    return this.sessions.flat().flatMap((heard) => {
      if (heard.type !== 'ban') return [];
      const { peerId, reason, infohash } = heard;
      return [{ peerId, reason, infohash }];
    });
  }

  /** A session begins: all that still holds is said in it. */
  open(): void {
    this.#session = [];
    this.sessions.push(this.#session);
    for (const heard of this.#unsaid.splice(0)) this.#session.push(heard);
    for (const membership of this.#memberships.values())
      this.#session.push({ type: 'announce', membership, event: 'update', reason: '' });
    for (const infohash of this.#watches.keys()) this.#tellAll(infohash);
  }

  /** The session ends. */
  lose(): void {
    this.#session = undefined;
  }

  /** From now on every swarm has these peers besides those before. */
  add(...peers: PeerAddress[]): void {
    for (const peer of peers) this.join(undefined, peer);
  }

  /** Every swarm has these as well, and names them only to those that ask for more. */
  addBeyond(...peers: PeerAddress[]): void {
    for (const peer of peers) this.join(undefined, peer, true);
  }

  /** A peer is in a swarm, or in each of them, from now on, or is another than before. */
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

  announce(membership: Membership, event: MembershipEvent, reason = ''): void {
    if (event !== 'numbers') this.said.push(event);
    this.#memberships.set(membership.infohash, membership);
    const heard = { type: 'announce', membership, event, reason } as const;
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

  findFiles(query: string): Promise<readonly SharedFile[]> {
    if (!this.#session) return Promise.reject(new EnjambreError('unavailable', 'NO_TRACKER', 'no tracker'));
    const digits = idDigits(query);
    const matches = ({ name, infohash }: SharedFile): boolean =>
      sameName(name.trim(), query.trim()) || (digits !== undefined && infohash.startsWith(digits));
    return Promise.resolve(this.files.filter(matches));
  }

  /** Names all peers of a swarm to its watcher. */
  #tellAll(infohash: InfoHash): void {
    const wide = this.#watches.get(infohash)?.wide === true;
    const upserted = this.#places
      .filter((place) => (place.infohash ?? infohash) === infohash && (wide || !place.beyond))
      .map(({ peer }) => peer);
    this.#tell(infohash, { snapshot: true, upserted, removed: [] });
  }

  /** As from a network: later, and only in this session and to this watcher. */
  #tell(infohash: InfoHash, change: Change): void {
    const [watch, session] = [this.#watches.get(infohash), this.#session];
    if (!watch || !session) return;
    queueMicrotask(() => {
      if (this.#watches.get(infohash) === watch && this.#session === session) watch.listener.peers(change);
    });
  }
}
