import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { FileSummary } from './file-summary.js';
import { NameIndex, type Page, type PageQuery } from './name-index.js';
import { Member, Swarm, type Session } from './swarm.js';

/** A swarm whose file has been described. */
export interface KnownSwarm extends Swarm {
  readonly file: FileSummary;
}

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
  readonly #sessions = new Map<PeerId, Session>();
  readonly #swarms = new Map<InfoHash, Swarm>();
  readonly #peerIndex = new NameIndex<Session>();
  readonly #fileIndex = new NameIndex<KnownSwarm>();

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
    this.#peerIndex.delete(peer.id);
  }

  swarm(infohash: InfoHash): Swarm | undefined {
    return this.#swarms.get(infohash);
  }

  addSwarm(infohash: InfoHash, sponsor: Session): Swarm {
    const swarm = new Swarm(infohash, sponsor);
    this.#swarms.set(infohash, swarm);
    return swarm;
  }

  /** Drops unused data: the file of a swarm without members, and a swarm that is not watched either. */
  release(swarm: Swarm): void {
    if (swarm.size > 0) return;
    if (swarm.file) this.#fileIndex.delete(swarm.infohash);
    swarm.file = undefined;
    swarm.firstShare = undefined;
    if (!swarm.isWatched) this.#swarms.delete(swarm.infohash);
  }

  /** Adds a swarm to the catalogue. */
  describe(swarm: Swarm, file: FileSummary): void {
    swarm.file = file;
    this.#fileIndex.add({ name: file.name, id: swarm.infohash }, swarm as KnownSwarm);
  }

  /** Changes the description of a swarm in the catalogue. */
  redescribe(swarm: Swarm, file: FileSummary): void {
    this.#fileIndex.delete(swarm.infohash);
    this.describe(swarm, file);
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

  /** Shared files by name. */
  files(query: PageQuery): Page<KnownSwarm> {
    return this.#fileIndex.page(query);
  }

  /** One shared file; undefined if no connected peer has it or has described it. */
  file(infohash: InfoHash): KnownSwarm | undefined {
    const swarm = this.#swarms.get(infohash);
    return swarm?.file ? (swarm as KnownSwarm) : undefined;
  }

  /** Connected peers by name. */
  peers(query: PageQuery): Page<Session> {
    return this.#peerIndex.page(query);
  }

  stats(): Stats {
    return {
      startedAt: this.startedAt,
      peers: this.#sessions.size,
      files: this.#fileIndex.size,
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
