import type { InfoHash } from '@enjambre/core/ids';
import { neighbourhoodsOf, placeOf } from '@enjambre/core/locality';
import { NO_CLAIMS, type Claim, type Claims } from './claims.js';
import { Crowd } from './crowd.js';
import type { FileRef } from './events.js';
import type { PeerInfo } from './peer.js';
import type { Candidates } from './peer-selection.js';
import { RandomSet, RandomSets } from './random-set.js';
import { groupOf, groupsReachedFrom, OPEN, type ReachGroup, type Standpoint } from './reach-group.js';
import { ReachIndex } from './reach-index.js';

// Sessions, members, watches and swarms form one graph with links in both directions: one file.

/** The tracker that holds a session, and the session's age. */
export interface SessionHolder {
  /** The tracker that holds the stream; empty for this one. */
  readonly replica: string;
  /** Increases with each session of a peer: about milliseconds since 1970. */
  readonly epoch: number;
  /** The kind of address at which the peer reaches the host of this tracker. */
  readonly trackerAt: Standpoint['trackerAt'];
  /** The part of its address that it cannot change at will; empty if its tracker does not report it. */
  readonly party: string;
}

/** A peer's presence, from its hello to the end of its stream, here or at another tracker of the network. */
export class Session {
  /** False once it has ended; later messages are ignored. */
  open = true;
  /** Number of its memberships as seeder. */
  seeding = 0;
  readonly memberships = new Map<InfoHash, Member>();
  readonly watches = new Map<InfoHash, Watch>();
  readonly replica: string;
  readonly epoch: number;
  readonly party: string;
  /** Location of the peer, closest first: see {@link neighbourhoodsOf}. */
  readonly places: readonly string[];
  /** The group of locations that reach it. */
  readonly group: ReachGroup;
  /** The groups that it reaches. */
  readonly reaches: readonly ReachGroup[];

  /** The peer, under the name that others see. */
  readonly peer: PeerInfo;

  /**
   * @param introduced the peer under its own name
   * @param shownName the name that others see
   * @param connectedAt milliseconds since 1970
   */
  constructor(
    readonly introduced: PeerInfo,
    shownName: string,
    readonly connectedAt: number,
    { replica = '', epoch = connectedAt, trackerAt, party = '' }: Partial<SessionHolder> = {},
  ) {
    this.peer = shownName === introduced.name ? introduced : { ...introduced, name: shownName };
    this.replica = replica;
    this.epoch = epoch;
    this.party = party;
    this.places = neighbourhoodsOf(placeOf(introduced.labels));
    this.group = groupOf(introduced.reach);
    this.reaches = groupsReachedFrom({ host: introduced.reach.host, trackerAt });
  }

  /** True if its stream ends here: then this tracker publishes its events. */
  get isLocal(): boolean {
    return this.replica === '';
  }

  /** True if it can reach the other from its location. */
  canReach({ group }: Session): boolean {
    return this.reaches.includes(group);
  }

  get leeching(): number {
    return this.memberships.size - this.seeding;
  }
}

/** Last reported state of a member's download; `none` without a report. */
type DownloadState = 'none' | 'started' | 'paused' | 'failed' | 'completed' | 'part-completed';

/** A peer's membership in one swarm. */
export class Member {
  leftBytes = 0;
  downloadedBytes = 0;
  uploadedBytes = 0;
  /** True after Share: it offers the file itself. */
  sharing = false;
  /** What it says of the file, listed or not; undefined if nothing. */
  claim: Claim | undefined;
  download: DownloadState = 'none';
  /** Time of its last progress event, in milliseconds since 1970. */
  progressedAt = 0;
  /** Bytes that were left at that time. */
  progressedTo = -1;
  /** Watches that know it; created with the first, since most members have none. */
  #knownBy: Set<Watch> | undefined;

  constructor(
    readonly session: Session,
    readonly swarm: Swarm,
    public seeder: boolean,
  ) {}

  /** In-degree: the number of watches that know it, whose peers may download from it. */
  get inDegree(): number {
    return this.#knownBy?.size ?? 0;
  }

  get party(): string {
    return this.session.party;
  }

  get knownBy(): Iterable<Watch> {
    return this.#knownBy ?? [];
  }

  becomeKnownTo(watch: Watch): void {
    (this.#knownBy ??= new Set()).add(watch);
  }

  becomeUnknownTo(watch: Watch): void {
    this.#knownBy?.delete(watch);
  }
}

/** A session's subscription to the peers of a swarm. */
export class Watch {
  /** Members that it was sent: never its own, never more than `maxPeers`. */
  readonly known = new RandomSet<Member>();
  /** Number of seeders in `known`. */
  knownSeeders = 0;

  constructor(
    readonly session: Session,
    readonly swarm: Swarm,
    readonly maxPeers: number,
  ) {}

  get isFull(): boolean {
    return this.known.size >= this.maxPeers;
  }

  learn(member: Member): void {
    this.known.add(member);
    member.becomeKnownTo(this);
    if (member.seeder) this.knownSeeders += 1;
  }

  forget(member: Member): void {
    this.known.delete(member);
    member.becomeUnknownTo(this);
    if (member.seeder) this.knownSeeders -= 1;
  }

  forgetAll(): void {
    for (const member of [...this.known]) this.forget(member);
  }
}

/** The peers that have or want one file, and what they say of it. */
export class Swarm extends Crowd<Member> {
  /** Empty until a member has described the file, and while there is no member. */
  claims: Claims = NO_CLAIMS;
  /** True while at least one session watches it. */
  isWatched = false;
  /** Its members that offer the file themselves, few in most swarms; created with the first. */
  sharers: Member[] | undefined;
  /** True once it has had a member that is not reachable from everywhere. */
  #isDivided = false;
  /** Created on first use: members of most swarms are reachable from everywhere. */
  #byReach: ReachIndex<Member> | undefined;

  /** @param sponsor the member or watcher that it counts for, among the swarms of its party */
  constructor(
    readonly infohash: InfoHash,
    public sponsor: Session,
  ) {
    super();
  }

  /** True if at least one member's session belongs to this tracker. */
  hasLocal(): boolean {
    for (const members of [this.seeders, this.leechers]) {
      for (const { session } of members) if (session.isLocal) return true;
    }
    return false;
  }

  /** The session of some member; undefined if there is none. */
  anyMember(): Session | undefined {
    for (const { session } of this.seeders) return session;
    for (const { session } of this.leechers) return session;
    return undefined;
  }

  /** The file as the first claim describes it, or a member's own. */
  ref(claim = this.claims[0]): FileRef {
    const { name = '', size = 0 } = claim?.file ?? {};
    return { infohash: this.infohash, name, size };
  }

  override add(member: Member): void {
    super.add(member);
    if (member.session.group !== OPEN) this.#isDivided = true;
    this.#byReach?.add(member);
  }

  override delete(member: Member): void {
    super.delete(member);
    if (member.sharing) this.sharers = this.sharers?.filter((other) => other !== member);
    this.#byReach?.delete(member);
  }

  setSeeder(member: Member, seeder: boolean): void {
    this.move(member, seeder);
    this.#byReach?.move(member, seeder);
    member.seeder = seeder;
  }

  /** The members that a peer can reach from its location. */
  reachedBy({ reaches }: Session): Candidates<Member> & { readonly size: number } {
    if (!this.#isDivided) return this;
    this.#byReach ??= new ReachIndex([...this.seeders, ...this.leechers]);
    return this.#byReach.of(reaches);
  }

  /** `count` random members, or all if there are fewer. */
  sample(count: number, random: () => number): Member[] {
    const sample: Member[] = [];
    for (const member of new RandomSets([this.seeders, this.leechers]).shuffled(random)) {
      if (sample.length >= count) break;
      sample.push(member);
    }
    return sample;
  }
}
