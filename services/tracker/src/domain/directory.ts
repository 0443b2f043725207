import type { InfoHash, PeerId } from '@enjambre/core/ids';
import { NO_CLAIMS, type Claim, type Claims } from './claims.js';
import { bareName, NameIndex, type Page, type PageQuery } from './name-index.js';
import { Member, Swarm, type Session } from './swarm.js';

/** Size of the network, and counters of this tracker since it started. */
export interface Stats {
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly peers: number;
  readonly files: number;
  readonly seeders: number;
  readonly leechers: number;
  readonly announces: number;
  readonly downloadsCompleted: number;
}

/** Connected peers and swarms. It maintains counts and indexes; the rules are in the registry. */
export class Directory {
  announces = 0;
  downloadsCompleted = 0;
  #seeders = 0;
  #leechers = 0;
  /** Number of described swarms. */
  #files = 0;
  readonly #sessions = new Map<PeerId, Session>();
  readonly #swarms = new Map<InfoHash, Swarm>();
  readonly #peerIndex = new NameIndex<Session>();
  readonly #fileIndex = new NameIndex<Claim>();

  constructor(private readonly startedAt: number) {}

  get swarmCount(): number {
    return this.#swarms.size;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  session(peer: PeerId): Session | undefined {
    return this.#sessions.get(peer);
  }

  /** All connected sessions, in no particular order. */
  sessions(): Iterable<Session> {
    return this.#sessions.values();
  }

  addSession(session: Session): void {
    this.#sessions.set(session.peer.id, session);
    this.#peerIndex.add(session.peer, session);
  }

  deleteSession({ peer }: Session): void {
    this.#sessions.delete(peer.id);
    this.#peerIndex.delete(peer);
  }

  swarm(infohash: InfoHash): Swarm | undefined {
    return this.#swarms.get(infohash);
  }

  addSwarm(infohash: InfoHash, sponsor: Session): Swarm {
    const swarm = new Swarm(infohash, sponsor);
    this.#swarms.set(infohash, swarm);
    return swarm;
  }

  /** Drops unused data: the claims about a swarm without members, and a swarm that is not watched either. */
  release(swarm: Swarm): void {
    if (swarm.size > 0) return;
    this.setClaims(swarm, NO_CLAIMS);
    if (!swarm.isWatched) this.#swarms.delete(swarm.infohash);
  }

  /** Changes what is said of a swarm. The catalogue lists it under each name, with the first claim of that name. */
  setClaims(swarm: Swarm, claims: Claims): void {
    if (claims === swarm.claims) return;
    const before = firstOfNames(swarm.claims);
    const after = firstOfNames(claims);
    this.#files += Number(claims.length > 0) - Number(swarm.claims.length > 0);
    swarm.claims = claims;
    const id = swarm.infohash;
    for (const claim of before)
      if (!after.includes(claim)) this.#fileIndex.delete({ name: claim.file.name, id });
    for (const claim of after)
      if (!before.includes(claim)) this.#fileIndex.add({ name: claim.file.name, id }, claim);
  }

  addMember(session: Session, swarm: Swarm, seeder: boolean): Member {
    const member = new Member(session, swarm, seeder);
    session.memberships.set(swarm.infohash, member);
    swarm.add(member);
    this.#count(member, 1);
    return member;
  }

  deleteMember(member: Member): void {
    member.session.memberships.delete(member.swarm.infohash);
    member.swarm.delete(member);
    this.#count(member, -1);
  }

  setSeeder(member: Member, seeder: boolean): void {
    this.#count(member, -1);
    member.swarm.setSeeder(member, seeder);
    this.#count(member, 1);
  }

  /** Shared files by name: one of which several names are claimed is listed under each. */
  files(query: PageQuery): Page<Claim> {
    return this.#fileIndex.page(query);
  }

  /** The claims about one shared file; empty if no connected peer has it or has described it. */
  claims(infohash: InfoHash): Claims {
    return this.#swarms.get(infohash)?.claims ?? NO_CLAIMS;
  }

  /** What is claimed of files under one name, by infohash. */
  named(name: string, infohashes: Iterable<InfoHash>): Claim[] {
    const listed = [...infohashes].sort().flatMap((infohash) => firstOfNames(this.claims(infohash)));
    return listed.filter(({ file }) => bareName(file.name) === bareName(name));
  }

  /** True if connected peers have a file and it is listed under that name. */
  isListed(name: string, infohash: InfoHash): boolean {
    return this.claims(infohash).some(
      ({ file }) => file.name === name || bareName(file.name) === bareName(name),
    );
  }

  /** True if a swarm has members besides this one. */
  othersHave(infohash: InfoHash, present: Member | undefined): boolean {
    return (this.swarm(infohash)?.size ?? 0) > (present ? 1 : 0);
  }

  /** Makes a member one that offers the file itself. */
  setSharing(member: Member): void {
    if (member.sharing) return;
    member.sharing = true;
    const { swarm } = member;
    if (swarm.sharers) swarm.sharers.push(member);
    else swarm.sharers = [member];
  }

  /** True if a connected peer offers a file itself. */
  isSharing(peer: PeerId, infohash: InfoHash): boolean {
    return this.session(peer)?.memberships.get(infohash)?.sharing === true;
  }

  /** Connected peers that offer a file themselves under that name, or whose name for it had no room. */
  *sharers(name: string, infohash: InfoHash): Iterable<PeerId> {
    for (const { session, claim } of this.#swarms.get(infohash)?.sharers ?? [])
      if (!claim || bareName(claim.file.name) === bareName(name)) yield session.peer.id;
  }

  /** Connected peers by name. */
  peers(query: PageQuery): Page<Session> {
    return this.#peerIndex.page(query);
  }

  stats(): Stats {
    return {
      startedAt: this.startedAt,
      peers: this.#sessions.size,
      files: this.#files,
      seeders: this.#seeders,
      leechers: this.#leechers,
      announces: this.announces,
      downloadsCompleted: this.downloadsCompleted,
    };
  }

  #count({ session, seeder }: Member, by: 1 | -1): void {
    if (!seeder) {
      this.#leechers += by;
      return;
    }
    this.#seeders += by;
    session.seeding += by;
  }
}

/** The first claim of each name. */
function firstOfNames(claims: Claims): Claims {
  if (claims.length < 2) return claims;
  return claims.filter(({ file }, at) => claims.findIndex((other) => other.file.name === file.name) === at);
}
