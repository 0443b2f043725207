import type { InfoHash } from '@enjambre/core/ids';
import { neighbourhoodsOf, placeOf } from '@enjambre/core/locality';
import { Crowd } from './crowd.js';
import type { FileRef } from './events.js';
import type { FileSummary } from './file-summary.js';
import type { PeerInfo } from './peer.js';
import type { Candidates } from './peer-selection.js';
import { RandomSet, RandomSets } from './random-set.js';
import { groupOf, groupsReachedFrom, OPEN, type ReachGroup, type Standpoint } from './reach-group.js';
import { ReachIndex } from './reach-index.js';

// Sessions, members, watches and swarms are one graph, each linked to the others both ways: one file.

/** Which tracker holds a session, and which of a peer's sessions is the newest. */
export interface SessionHolder {
  /** The tracker that holds the stream; empty for this one. */
  readonly replica: string;
  /** Grows with each session of a peer: about milliseconds since 1970. */
  readonly epoch: number;
  /** How the peer reaches the host of this tracker. */
  readonly trackerAt: Standpoint['trackerAt'];
}

/** A peer's presence, from its hello to the end of its stream, here or at another tracker of the network. */
export class Session {
  /** False once it is over; whatever it says then is ignored. */
  open = true;
  /** How many of its memberships are as seeder. */
  seeding = 0;
  readonly memberships = new Map<InfoHash, Member>();
  readonly watches = new Map<InfoHash, Watch>();
  readonly replica: string;
  readonly epoch: number;
  /** Where the peer stands, closest first: see {@link neighbourhoodsOf}. */
  readonly places: readonly string[];
  /** Who reaches it. */
  readonly group: ReachGroup;
  /** Whom it reaches. */
  readonly reaches: readonly ReachGroup[];

  /** @param connectedAt milliseconds since 1970 */
  constructor(
    readonly peer: PeerInfo,
    readonly connectedAt: number,
    { replica = '', epoch = connectedAt, trackerAt }: Partial<SessionHolder> = {},
  ) {
    this.replica = replica;
    this.epoch = epoch;
    this.places = neighbourhoodsOf(placeOf(peer.labels));
    this.group = groupOf(peer.reach);
    this.reaches = groupsReachedFrom({ host: peer.reach.host, trackerAt });
  }

  /** True if its stream ends here: what happens to it is then this tracker's to tell. */
  get isLocal(): boolean {
    return this.replica === '';
  }

  /** True if it can reach the other from where it is. */
  canReach({ group }: Session): boolean {
    return this.reaches.includes(group);
  }

  get leeching(): number {
    return this.memberships.size - this.seeding;
  }
}

/** What a member last said of its download; `none` if nothing special. */
type DownloadState = 'none' | 'started' | 'paused' | 'failed' | 'completed';

/** A peer's part in one swarm. */
export class Member {
  bytesLeft = 0;
  bytesDownloaded = 0;
  bytesUploaded = 0;
  /** True after Share: it offers the file of its own accord. */
  sharing = false;
  download: DownloadState = 'none';
  /** When its progress was last made an event, in milliseconds since 1970. */
  progressedAt = 0;
  /** Bytes that were left then. */
  progressedTo = -1;
  /** Watches that were told of it; made with the first, since most members have none. */
  #knownBy: Set<Watch> | undefined;

  constructor(
    readonly session: Session,
    readonly swarm: Swarm,
    public seeder: boolean,
  ) {}

  /** How many were told of it, and may fetch from it. */
  get fame(): number {
    return this.#knownBy?.size ?? 0;
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

/** A session's wish to hear of a swarm's peers. */
export class Watch {
  /** The members it was told of: never its own, never more than `maxPeers`. */
  readonly known = new RandomSet<Member>();
  /** How many of `known` are seeders. */
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

/** Who first shared a file in the network, and when. */
export interface FirstShare {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly by: string;
}

/** The peers that have or want one file, and what is known of it. */
export class Swarm extends Crowd<Member> {
  /** Absent until a member has said it, and when there is no member. */
  file: FileSummary | undefined;
  firstShare: FirstShare | undefined;
  /** True while somebody watches it. */
  isWatched = false;
  /** True once it had a member whom not everybody reaches. */
  #isDivided = false;
  /** Made when first needed: everybody reaches the members of most swarms. */
  #byReach: ReachIndex<Member> | undefined;

  constructor(readonly infohash: InfoHash) {
    super();
  }

  /** True if a member's session is one of this tracker. */
  hasLocal(): boolean {
    for (const members of [this.seeders, this.leechers]) {
      for (const { session } of members) if (session.isLocal) return true;
    }
    return false;
  }

  ref(): FileRef {
    return { infohash: this.infohash, name: this.file?.name ?? '', size: this.file?.size ?? 0 };
  }

  override add(member: Member): void {
    super.add(member);
    if (member.session.group !== OPEN) this.#isDivided = true;
    this.#byReach?.add(member);
  }

  override delete(member: Member): void {
    super.delete(member);
    this.#byReach?.delete(member);
  }

  setSeeder(member: Member, seeder: boolean): void {
    this.move(member, seeder);
    this.#byReach?.move(member, seeder);
    member.seeder = seeder;
  }

  /** The members whom a peer reaches from where it is. */
  reachedBy({ reaches }: Session): Candidates<Member> & { readonly size: number } {
    if (!this.#isDivided) return this;
    this.#byReach ??= new ReachIndex([...this.seeders, ...this.leechers]);
    return this.#byReach.of(reaches);
  }

  /** `count` members at random, or all if they are fewer. */
  sample(count: number, random: () => number): Member[] {
    const sample: Member[] = [];
    for (const member of new RandomSets([this.seeders, this.leechers]).shuffled(random)) {
      if (sample.length >= count) break;
      sample.push(member);
    }
    return sample;
  }
}
