import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash } from '@enjambre/core/ids';
import { Audience } from './audience.js';
import { Budgets } from './budgets.js';
import { BanClaims, type BanClaim } from './ban-claims.js';
import type { Catalogue } from './catalogue.js';
import { Descriptions } from './descriptions.js';
import { Directory } from './directory.js';
import { about, advanceDownload, type DownloadNews } from './download-progress.js';
import { eventOf, type Effect } from './effects.js';
import type { TrackerEvent } from './events.js';
import { checkFileSummary, sameSummary, type FileSummary } from './file-summary.js';
import { checkRoom, DEFAULT_CAPACITY, type Capacity, type Resources } from './capacity.js';
import type { PeerInfo } from './peer.js';
import { PeerNames } from './peer-names.js';
import { BroughtPublications } from './brought-publications.js';
import { Publications, type PublicationKeeper, type SignedVersion } from './publications.js';
import type { LocalChanges, MemberState } from './replica-state.js';
import { fileMismatch, replaced, swarmNotFound } from './problems.js';
import { Session, type Member, type SessionHolder, type Swarm } from './swarm.js';

/** An offer of a complete file. */
export interface Offer {
  readonly infohash: InfoHash;
  readonly file: FileSummary;
  /** True if it repeats an offer of an earlier session: no event is published. */
  readonly restated: boolean;
  /** Signed publications of the file. @default none */
  readonly publications?: readonly SignedVersion[];
}

/** Progress of a download. */
export interface Report {
  readonly infohash: InfoHash;
  readonly news: DownloadNews;
  /** 0 makes the peer a seeder. */
  readonly leftBytes: number;
  readonly downloadedBytes: number;
  readonly uploadedBytes: number;
  readonly file: FileSummary | undefined;
  /** Signed publications of the file. @default none */
  readonly publications?: readonly SignedVersion[];
  /** Reason of `failed`: a constant, empty if unknown, and a sentence. */
  readonly reason: string;
  readonly message: string;
}

interface RegistryOptions {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** @default DEFAULT_CAPACITY */
  readonly capacity?: Capacity;
  /** What the peers of one party may use together, in percent of each limit. @default 100 */
  readonly addressBudget?: number;
  /** Receives all changes that other trackers must know. */
  readonly changes?: LocalChanges;
  /** The network's records of files. */
  readonly catalogue?: Catalogue;
  /** Stores publications for the network. */
  readonly publicationKeeper?: PublicationKeeper;
}

const DEFAULT_MAX_PEERS = 50;
const HIGHEST_MAX_PEERS = 200;

/** Number of peers for a request of `wanted`. */
export function clampMaxPeers(wanted: number): number {
  return wanted === 0 ? DEFAULT_MAX_PEERS : Math.min(wanted, HIGHEST_MAX_PEERS);
}

/**
 * The peers, their files, and the watches of swarms. Each method handles one message of an agent: it returns
 * the effects, or throws an {@link EnjambreError} without having changed anything. Times are milliseconds
 * since 1970. Sessions of other trackers are registered beside its own; they produce no events here, because
 * their own tracker publishes them.
 */
export class SwarmRegistry {
  /** For look-ups. */
  readonly directory: Directory;
  /** What peers and the network say of files. */
  readonly descriptions: Descriptions;
  /** The versions of each name. */
  readonly publications: Publications;
  readonly #random: () => number;
  readonly #capacity: Capacity;
  readonly #budgets: Budgets;
  readonly #names: PeerNames;
  readonly #brought: BroughtPublications;
  readonly #claims: BanClaims;
  readonly #changes: LocalChanges | undefined;
  readonly #catalogue: Catalogue | undefined;
  /** Audiences of the watched swarms. */
  readonly #audiences = new Map<Swarm, Audience>();

  constructor(options: RegistryOptions) {
    const {
      random,
      startedAt,
      capacity = DEFAULT_CAPACITY,
      addressBudget = 100,
      changes,
      catalogue,
      publicationKeeper,
    } = options;
    this.directory = new Directory(startedAt);
    this.descriptions = new Descriptions(this.directory, catalogue);
    this.publications = new Publications({
      maxPublications: capacity.publications,
      percent: addressBudget,
      keeper: publicationKeeper,
      isListed: (name, infohash) => this.directory.isListed(name, infohash),
      isHere: (infohash) => this.directory.swarm(infohash)?.hasLocal() === true,
      sharersOf: (name, infohash) => this.directory.sharers(name, infohash),
      isOffered: (publisher, infohash) => this.directory.isSharing(publisher, infohash),
    });
    this.#random = random;
    this.#capacity = capacity;
    this.#budgets = new Budgets(capacity, addressBudget);
    this.#names = new PeerNames(capacity.sessions, addressBudget);
    this.#brought = new BroughtPublications(
      this.publications,
      (peer) => this.directory.session(peer.id)?.peer.name ?? this.#names.shown(peer),
    );
    this.#claims = new BanClaims(startedAt);
    this.#changes = changes;
    this.#catalogue = catalogue;
  }

  /**
   * Opens a session; an existing session of the peer, here or elsewhere, ends. Throws `exhausted`
   * TOO_MANY_PEERS.
   *
   * @param holder the epoch of a session of this tracker is raised above the previous one if necessary
   */
  connect(
    peer: PeerInfo,
    now: number,
    { replica = '', epoch = now, ...place }: Partial<SessionHolder> = {},
  ): { session: Session; effects: Effect[] } {
    const effects: Effect[] = [];
    const previous = this.directory.session(peer.id);
    const newest = replica === '' ? Math.max(epoch, (previous?.epoch ?? 0) + 1) : epoch;
    const holder = { replica, epoch: newest, ...place, party: place.party ?? '' };
    this.#budgets.checkSession({ ...holder, isLocal: replica === '' }, previous);
    if (previous) {
      effects.push(...this.disconnect(previous, 'replaced by a newer session', now), replaced(previous));
    }
    const shown = this.#names.enter(peer, holder.party, now);
    const session = new Session(peer, shown, now, holder);
    this.directory.addSession(session);
    this.#budgets.count(session, 'sessions', 1);
    this.#tell(session, effects, { type: 'peer.connected', peer: session.peer });
    if (session.isLocal) this.#changes?.changed(session);
    return { session, effects };
  }

  /** What the peers of a party use now. */
  usedBy(party: string): Resources {
    return this.#budgets.usedBy(party);
  }

  /** Ends a session with all its memberships and watches. No effect on an ended session. */
  disconnect(session: Session, reason: string, now = session.connectedAt): Effect[] {
    const effects: Effect[] = [];
    if (!session.open) return effects;
    session.open = false;
    for (const infohash of [...session.watches.keys()]) this.#dropWatch(session, infohash);
    for (const member of [...session.memberships.values()]) this.#leave(member, effects);
    this.directory.deleteSession(session);
    this.#names.leave(session.introduced, now);
    this.#budgets.count(session, 'sessions', -1);
    this.#tell(session, effects, { type: 'peer.disconnected', peer: session.peer, reason });
    if (session.isLocal) this.#changes?.ended(session);
    return effects;
  }

  /**
   * Makes the peer a seeder. Throws the errors of {@link checkFileSummary}, and `exhausted` TOO_MANY_SWARMS.
   */
  share(session: Session, { infohash, file, restated, publications = [] }: Offer, now: number): Effect[] {
    checkFileSummary(file);
    const effects: Effect[] = [];
    const present = session.memberships.get(infohash);
    const isCopy = this.directory.othersHave(infohash, present);
    const member = present ?? this.#join(session, infohash, { seeder: true, now }, effects);
    this.#setSeeder(member, true, effects);
    member.leftBytes = 0;
    if (!this.descriptions.describe(member, file)) effects.push(fileMismatch(session));
    if (member.claim) member.claim.firstShare ??= { at: now, by: session.peer.name };
    this.#note(member);
    const { peer: publisher, party } = session;
    const isSigned = this.#brought.note(member, publications, { isCopy, now }, effects);
    if (!isSigned)
      this.publications.shared({ publisher, party, name: file.name, infohash, restated, isCopy, now });
    if (!member.sharing && !restated)
      effects.push(eventOf(session, { type: 'file.shared', ...about(member) }));
    this.directory.setSharing(member);
    return effects;
  }

  /** Removes the peer from a swarm. Throws `not-found` NOT_A_MEMBER. */
  withdraw(session: Session, infohash: InfoHash): Effect[] {
    const effects: Effect[] = [];
    const member = session.memberships.get(infohash);
    if (!member) throw new EnjambreError('not-found', 'NOT_A_MEMBER', 'this peer is not in that swarm');
    const { peer, file } = about(member);
    this.#leave(member, effects);
    if (member.seeder) {
      effects.push(eventOf(session, { type: 'file.withdrawn', peer, file }));
      if (member.swarm.size === 0) this.#catalogue?.withdrawn(infohash);
    }
    return effects;
  }

  /** Records the progress of a download. Throws the errors of {@link share}. */
  announce(session: Session, report: Report, now: number): Effect[] {
    const { infohash, file, publications = [] } = report;
    const present = session.memberships.get(infohash);
    // Every announce repeats the file: only a new description is checked.
    const isNewFile = file !== undefined && !sameSummary(file, present?.claim?.file);
    if (isNewFile) checkFileSummary(file);
    const effects: Effect[] = [];
    const isCopy = this.directory.othersHave(infohash, present);
    const leftBytes = report.news === 'completed' ? 0 : report.leftBytes;
    const member = present ?? this.#join(session, infohash, { seeder: leftBytes === 0, now }, effects);
    this.#setSeeder(member, leftBytes === 0, effects);
    this.directory.announces += 1;
    member.leftBytes = leftBytes;
    member.downloadedBytes = report.downloadedBytes;
    member.uploadedBytes = report.uploadedBytes;
    if (isNewFile) {
      if (!this.descriptions.describe(member, file)) effects.push(fileMismatch(session));
      this.#note(member);
    } else this.#changes?.progressed(member);
    this.#brought.note(member, publications, { isCopy, now }, effects);
    const event = advanceDownload(member, report, now);
    if (event?.type === 'download.completed') this.directory.downloadsCompleted += 1;
    if (event) effects.push(eventOf(session, event));
    return effects;
  }

  /**
   * Subscribes to a swarm, or changes `maxPeers` (0 means 50, at most 200). Throws `exhausted`
   * TOO_MANY_WATCHES or TOO_MANY_SWARMS.
   */
  watch(session: Session, infohash: InfoHash, maxPeers: number): Effect[] {
    const effects: Effect[] = [];
    const places = clampMaxPeers(maxPeers);
    const present = session.watches.get(infohash);
    if (!present)
      checkRoom(session.watches.size, this.#capacity.watchesPerSession, 'TOO_MANY_WATCHES', 'watches');
    this.#budgets.check(session, 'places', places - (present?.maxPeers ?? 0));
    if (present) this.#dropWatch(session, infohash);
    const swarm = this.#swarm(infohash, session);
    if (swarm.size === 0) effects.push(swarmNotFound(session));
    const watch = this.#audience(swarm).add(session, places, effects);
    session.watches.set(infohash, watch);
    this.#budgets.count(session, 'places', places);
    return effects;
  }

  /** Throws `not-found` NOT_WATCHED. */
  unwatch(session: Session, infohash: InfoHash): Effect[] {
    if (!session.watches.has(infohash)) {
      throw new EnjambreError('not-found', 'NOT_WATCHED', 'this peer does not watch that swarm');
    }
    this.#dropWatch(session, infohash);
    return [];
  }

  /** Publishes the report of a ban, without further effect. Throws the errors of {@link BanClaims.admit}. */
  ban(session: Session, claim: BanClaim, now: number): Effect[] {
    this.#claims.admit(session, claim, now);
    const { peerId, reason, infohash } = claim;
    const banned = { id: peerId, name: this.directory.session(peerId)?.peer.name ?? '' };
    const file = infohash && (this.directory.swarm(infohash)?.ref() ?? { infohash, name: '', size: 0 });
    return [eventOf(session, { type: 'peer.banned', banned, peer: session.peer, reason, file })];
  }

  /** Applies another tracker's state of a membership of its session. Throws the errors of {@link share}. */
  adopt(session: Session, state: MemberState): Effect[] {
    const { infohash, seeder, sharing, file } = state;
    if (file) checkFileSummary(file);
    const effects: Effect[] = [];
    // The time of joining is not sent: the time of connection is close enough, also for a session that
    // crashes and returns.
    const how = { seeder, now: session.connectedAt };
    const member = session.memberships.get(infohash) ?? this.#join(session, infohash, how, effects);
    this.#setSeeder(member, seeder, effects);
    if (sharing) this.directory.setSharing(member);
    member.leftBytes = state.leftBytes;
    member.downloadedBytes = state.downloadedBytes;
    member.uploadedBytes = state.uploadedBytes;
    if (file) this.descriptions.describe(member, file);
    if (member.claim) member.claim.firstShare ??= state.firstShare;
    return effects;
  }

  /** Ends a membership of another tracker's session, if it exists. */
  drop(session: Session, infohash: InfoHash): Effect[] {
    const effects: Effect[] = [];
    const member = session.memberships.get(infohash);
    if (member) this.#leave(member, effects);
    return effects;
  }

  #tell(session: Session, effects: Effect[], event: TrackerEvent): void {
    if (session.isLocal) effects.push(eventOf(session, event));
  }

  /** Notes a member's file in the catalogue, and the member in the changes. */
  #note({ session, swarm }: Member): void {
    this.descriptions.record(swarm);
    this.#changes?.changed(session, swarm.infohash);
  }

  #join(
    session: Session,
    infohash: InfoHash,
    { seeder, now }: { readonly seeder: boolean; readonly now: number },
    effects: Effect[],
  ): Member {
    checkRoom(
      session.memberships.size,
      this.#capacity.membershipsPerSession,
      'TOO_MANY_SWARMS',
      'swarms of this peer',
    );
    this.#budgets.check(session, 'memberships');
    const member = this.directory.addMember(session, this.#swarm(infohash, session), seeder);
    this.#budgets.count(session, 'memberships', 1);
    this.#audiences.get(member.swarm)?.joined(member, now, effects);
    if (session.isLocal) this.#changes?.changed(session, infohash);
    return member;
  }

  #setSeeder(member: Member, seeder: boolean, effects: Effect[]): void {
    if (member.seeder === seeder) return;
    this.directory.setSeeder(member, seeder);
    this.#audiences.get(member.swarm)?.changed(member, effects);
    if (member.session.isLocal) this.#changes?.changed(member.session, member.swarm.infohash);
  }

  #leave(member: Member, effects: Effect[]): void {
    this.directory.deleteMember(member);
    this.descriptions.unsay(member);
    const { session, swarm } = member;
    this.#budgets.count(session, 'memberships', -1);
    this.#audiences.get(swarm)?.left(member, effects);
    this.#passOn(swarm, session);
    this.directory.release(swarm);
    if (session.isLocal) this.#changes?.changed(session, swarm.infohash);
    if (swarm.size === 0) this.#catalogue?.unused(swarm.infohash);
  }

  #swarm(infohash: InfoHash, session: Session): Swarm {
    const swarm = this.directory.swarm(infohash);
    if (swarm) return swarm;
    this.#budgets.check(session, 'swarms');
    this.#budgets.count(session, 'swarms', 1);
    return this.directory.addSwarm(infohash, session);
  }

  /**
   * A swarm counts for a session that is in it: otherwise it would count for the party of one that left long ago.
   * Call it after the session has ended its membership or watch.
   */
  #passOn(swarm: Swarm, left: Session): void {
    const { infohash, sponsor } = swarm;
    if (sponsor !== left || left.memberships.has(infohash) || left.watches.has(infohash)) return;
    const next = swarm.anyMember() ?? this.#audiences.get(swarm)?.anyWatcher();
    this.#budgets.count(left, 'swarms', -1);
    if (!next) return;
    swarm.sponsor = next;
    this.#budgets.count(next, 'swarms', 1);
  }

  #audience(swarm: Swarm): Audience {
    let audience = this.#audiences.get(swarm);
    if (!audience) this.#audiences.set(swarm, (audience = new Audience(swarm, this.#random)));
    swarm.isWatched = true;
    return audience;
  }

  #dropWatch(session: Session, infohash: InfoHash): void {
    const watch = session.watches.get(infohash);
    if (!watch) return;
    const { swarm } = watch;
    session.watches.delete(infohash);
    this.#budgets.count(session, 'places', -watch.maxPeers);
    const audience = this.#audiences.get(swarm);
    audience?.delete(watch);
    if (audience?.isEmpty) this.#audiences.delete(swarm);
    swarm.isWatched = this.#audiences.has(swarm);
    this.#passOn(swarm, session);
    this.directory.release(swarm);
  }
}
