import { quotaOf } from '@enjambre/core/address-quota';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import { idDigits } from '@enjambre/core/named';
import { bareName } from './name-index.js';
import {
  mergeVersions,
  sameVersions,
  versionOf,
  withNewest,
  MAX_VERSIONS,
  type Version,
  type Versions,
} from './versions.js';

/** What one peer has shared under one name. It stays while the peer is away. */
export interface Publication {
  readonly publisher: { readonly id: PeerId; readonly name: string };
  readonly name: string;
  readonly versions: Versions;
  /** The part of the publisher's address that it cannot change at will; see `Session.party`. */
  readonly party: string;
}

/** A version of a name, with its publisher. */
export interface PublishedVersion extends Version {
  readonly publisher: Publication['publisher'];
}

/** Stores the publications that all trackers of a network share. */
export interface PublicationKeeper {
  keep(publication: Publication): void;
  /** There is no room for it. */
  forget(publication: Publication): void;
}

/** A publication as its publisher signed it, independent of the peer that sent it. */
export interface SignedVersion {
  readonly publisher: Publication['publisher'];
  readonly name: string;
  readonly infohash: InfoHash;
  readonly version: number;
  readonly at: number;
  /** In base64. */
  readonly signed: string;
  /** True if the publisher has signed it. Costs much more than a look-up. */
  readonly verify: () => boolean;
}

/** A signed publication that a session brings. */
export interface BroughtVersion {
  readonly record: SignedVersion;
  /** Party of the session. */
  readonly party: string;
  /** The session is the publisher's own. */
  readonly isOwn: boolean;
  /** Other peers already had the file. */
  readonly isCopy: boolean;
  readonly now: number;
}

/** A share of a file by its publisher's own session, without a signed publication. */
export interface SharedVersion {
  readonly publisher: Publication['publisher'];
  readonly party: string;
  readonly name: string;
  readonly infohash: InfoHash;
  /** The publisher repeats it. */
  readonly restated: boolean;
  /** Other peers already had it. */
  readonly isCopy: boolean;
  readonly now: number;
}

export interface PublicationsOptions {
  readonly maxPublications: number;
  /** What the publishers of one party may use of it, in percent. */
  readonly percent: number;
  readonly keeper?: PublicationKeeper | undefined;
  /** True if connected peers have the file and it is listed under that name. */
  readonly isListed: (name: string, infohash: InfoHash) => boolean;
  /** True if peers of this tracker have the file. */
  readonly isHere: (infohash: InfoHash) => boolean;
  /** Connected peers that offer the file themselves under that name. */
  readonly sharersOf: (name: string, infohash: InfoHash) => Iterable<PeerId>;
  /** True if the peer itself offers the file now. */
  readonly isOffered: (publisher: PeerId, infohash: InfoHash) => boolean;
}

/** Publishers remembered for one name, and those of them of one party. The files of others are listed without one. */
const MAX_PUBLISHERS = 16;
const MAX_PUBLISHERS_OF_PARTY = 4;
/** How far the clock of a publisher may be ahead, in milliseconds. */
const MAX_AHEAD_MS = 10 * 60_000;

/**
 * The versions of each name, by publisher. Only a publisher's own session adds to them, or what it has signed: nobody has
 * a say in the versions of another peer, and the name of a peer does not matter.
 */
export class Publications {
  /** Of each name, one of each publisher: arrays, since most names have one. */
  readonly #byName = new Map<string, readonly Publication[]>();
  /** Of each party, those that changed first first. */
  readonly #byParty = new Map<string, Set<Publication>>();
  readonly #quota: number;
  #size = 0;
  #verified = 0;

  constructor(private readonly options: PublicationsOptions) {
    this.#quota = quotaOf(options.maxPublications, options.percent, 1);
  }

  /** Number of names with a publisher. */
  get size(): number {
    return this.#size;
  }

  /** Number of signatures that were verified, or found wrong. */
  get verified(): number {
    return this.#verified;
  }

  /**
   * Notes that a publisher shares content under a name. It is the newest version, unless the publisher repeats an older
   * one, or resumes it beside the newest.
   */
  shared({ publisher, party, name, infohash, restated, isCopy, now }: SharedVersion): void {
    const present = this.#find(name, publisher.id);
    const versions = present?.versions ?? [];
    const newest = versions.at(-1);
    const isKnown = versionOf(versions, infohash) !== undefined;
    if (isKnown && (restated || !newest || this.options.isOffered(publisher.id, newest.infohash))) return;
    // A repeated version that is not among so many is an old one.
    if (!isKnown && restated && versions.length === MAX_VERSIONS) return;
    const next = {
      publisher: { id: publisher.id, name: publisher.name },
      name,
      party,
      versions: withNewest(versions, infohash, { now, isCopy }),
    };
    if (sameVersions(next.versions, versions)) return;
    this.#keep(next);
  }

  /**
   * Notes a signed publication, which a peer with the file brings. Its number and time are the publisher's, as far as
   * they increase.
   */
  brought(brought: BroughtVersion): 'noted' | 'unsigned' | 'future' {
    const { record, party, isOwn, now } = brought;
    const { name, publisher, infohash, at } = record;
    const present = this.#find(name, publisher.id);
    const before = versionOf(present?.versions ?? [], infohash);
    if (before?.signed !== undefined && before.at >= at) {
      if (isOwn && present && present.party !== party) this.#put({ ...present, party });
      return 'noted';
    }
    if (at > now + MAX_AHEAD_MS) return 'future';
    if (!present && this.#isFull(party)) return 'noted';
    this.#verified += 1;
    if (!record.verify()) return 'unsigned';
    const next = withSigned(present, brought);
    if (!present || !sameVersions(next.versions, present.versions)) this.#keep(next);
    return 'noted';
  }

  #keep(next: Publication): void {
    const { name, publisher } = next;
    // Beyond the maximum of all parties, it may itself be the one that is dropped.
    if (this.#put(next) && this.#find(name, publisher.id) === next) this.options.keeper?.keep(next);
  }

  /**
   * Publications of which peers of this tracker have a version, one of `parts` parts of them: to be written again before
   * the network's store forgets them.
   */
  *inUseHere(part: number, parts: number): Iterable<Publication> {
    for (const publications of this.#byParty.values())
      for (const publication of publications) {
        const [first] = publication.versions;
        const isIn = first !== undefined && parseInt(first.infohash.slice(0, 8), 16) % parts === part;
        if (isIn && publication.versions.some(({ infohash }) => this.options.isHere(infohash)))
          yield publication;
      }
  }

  /** Applies what another tracker knows. */
  learn(publication: Publication): void {
    const present = this.#find(publication.name, publication.publisher.id);
    if (!present && this.#size >= this.options.maxPublications) return;
    this.#put(present ? mergePublications(present, publication) : publication);
  }

  /** Who has published a file under a name, and as which version: the first publisher first. */
  of(name: string, infohash: InfoHash): PublishedVersion[] {
    const found: PublishedVersion[] = [];
    for (const { publisher, versions } of this.#byName.get(bareName(name)) ?? []) {
      const version = versionOf(versions, infohash);
      if (version) found.push({ publisher, ...version });
    }
    return found.sort(byPrecedence);
  }

  /**
   * Files that a publisher has published under a name.
   *
   * @param text the publisher's name, or at least 8 digits of its id
   */
  byPublisher(name: string, text: string): InfoHash[] {
    const published = this.#byName.get(bareName(name)) ?? [];
    const its = published.filter(({ publisher }) => isMeantBy(text, publisher));
    return [...new Set(its.flatMap(({ versions }) => versions.map(({ infohash }) => infohash)))];
  }

  /**
   * True if every publisher of a file has a newer version of that name, which connected peers have. One of them must have
   * been the first with the file, and none that shares it now may be missing for lack of room: those who share a copy
   * cannot make another's file an old one.
   */
  isSuperseded(name: string, infohash: InfoHash): boolean {
    const published = this.of(name, infohash);
    if (published.every(({ isCopy }) => isCopy)) return false;
    if (!published.every(({ publisher }) => this.#isOld(name, infohash, publisher.id))) return false;
    const known = new Set(published.map(({ publisher }) => publisher.id));
    for (const sharer of this.options.sharersOf(name, infohash)) if (!known.has(sharer)) return false;
    return true;
  }

  #isOld(name: string, infohash: InfoHash, publisher: PeerId): boolean {
    const versions = this.#find(name, publisher)?.versions ?? [];
    const listed = versions.findLast((version) => this.options.isListed(name, version.infohash));
    return listed !== undefined && listed.infohash !== infohash;
  }

  #find(name: string, publisher: PeerId): Publication | undefined {
    return this.#byName.get(bareName(name))?.find((each) => each.publisher.id === publisher);
  }

  /** False if there is no room for it. */
  #put(publication: Publication): boolean {
    const { name, publisher, party } = publication;
    const key = bareName(name);
    const present = this.#find(name, publisher.id);
    if (present) this.#drop(present);
    else if (!this.#hasQuota(party) || !this.#makeRoom(key, party)) return false;
    this.#byName.set(key, [...(this.#byName.get(key) ?? []), publication]);
    const its = this.#byParty.get(party) ?? new Set();
    this.#byParty.set(party, its.add(publication));
    this.#size += 1;
    if (this.#size > this.options.maxPublications) this.#dropOldest(this.#largest());
    return true;
  }

  /** What a party has no room for is refused, unless nobody has the files of its oldest publication any more. */
  #hasQuota(party: string): boolean {
    if (this.#isFull(party)) return false;
    const its = this.#byParty.get(party);
    const [oldest] = its ?? [];
    if (oldest && party !== '' && (its?.size ?? 0) >= this.#quota) this.#forget(oldest);
    return true;
  }

  #isFull(party: string): boolean {
    const its = this.#byParty.get(party);
    if (party === '' || (its?.size ?? 0) < this.#quota) return false;
    const [oldest] = its ?? [];
    return oldest === undefined || this.#isInUse(oldest);
  }

  #isInUse({ name, versions }: Publication): boolean {
    return versions.some(({ infohash }) => this.options.isListed(name, infohash));
  }

  /** A new publisher takes the place of one whose files nobody has any more. */
  #makeRoom(key: string, party: string): boolean {
    const publishers = this.#byName.get(key) ?? [];
    const ofParty = publishers.filter((other) => party !== '' && other.party === party);
    const isFull = publishers.length >= MAX_PUBLISHERS || ofParty.length >= MAX_PUBLISHERS_OF_PARTY;
    if (!isFull) return true;
    const among = ofParty.length >= MAX_PUBLISHERS_OF_PARTY ? ofParty : publishers;
    const unused = among.find((publication) => !this.#isInUse(publication));
    if (unused) this.#forget(unused);
    return unused !== undefined;
  }

  #largest(): Set<Publication> {
    let most = new Set<Publication>();
    for (const its of this.#byParty.values()) if (its.size > most.size) most = its;
    return most;
  }

  #dropOldest(publications: ReadonlySet<Publication>): void {
    for (const oldest of publications) return this.#forget(oldest);
  }

  /** Also for the network: otherwise what a party has no room for would fill its store. */
  #forget(publication: Publication): void {
    this.#drop(publication);
    this.options.keeper?.forget(publication);
  }

  #drop(publication: Publication): void {
    const { name, party } = publication;
    const key = bareName(name);
    const others = this.#byName.get(key)?.filter((other) => other !== publication) ?? [];
    if (others.length > 0) this.#byName.set(key, others);
    else this.#byName.delete(key);
    const its = this.#byParty.get(party);
    its?.delete(publication);
    if (its?.size === 0) this.#byParty.delete(party);
    this.#size -= 1;
  }
}

function withSigned(
  present: Publication | undefined,
  { record, party, isOwn, isCopy }: BroughtVersion,
): Publication {
  const { publisher, name, infohash, version, at, signed } = record;
  const versions = present?.versions ?? [];
  const before = versionOf(versions, infohash);
  const copy = before ? before.isCopy : isCopy;
  return {
    publisher: isOwn || !present ? publisher : present.publisher,
    name,
    party: isOwn || !present ? party : present.party,
    versions: mergeVersions(versions, [{ infohash, version, at, signed, ...(copy && { isCopy: true }) }]),
  };
}

/** First those that had the file before others, whatever time a publisher signed. */
function byPrecedence(one: PublishedVersion, other: PublishedVersion): number {
  const [isCopy, isOtherCopy] = [one.isCopy ?? false, other.isCopy ?? false];
  if (isCopy !== isOtherCopy) return isCopy ? 1 : -1;
  return one.at - other.at || (one.publisher.id < other.publisher.id ? -1 : 1);
}

/** True if a text is the name of a publisher, or at least 8 digits of its id. */
export function isMeantBy(text: string, { id, name }: Publication['publisher']): boolean {
  const digits = idDigits(text.trim());
  return name === text || (digits !== undefined && id.startsWith(digits));
}

/** Identifies a publication. */
export function publicationKey({ publisher, name }: Pick<Publication, 'publisher' | 'name'>): string {
  return `${publisher.id}/${bareName(name)}`;
}

/** Merges what two trackers know of the same name and publisher; the later of them names the publisher. */
export function mergePublications(one: Publication, other: Publication): Publication {
  const [earlier, later] =
    (one.versions.at(-1)?.at ?? 0) <= (other.versions.at(-1)?.at ?? 0) ? [one, other] : [other, one];
  return {
    ...later,
    party: later.party || earlier.party,
    versions: mergeVersions(one.versions, other.versions),
  };
}

export function samePublication(one: Publication, other: Publication): boolean {
  return (
    one.publisher.name === other.publisher.name &&
    one.party === other.party &&
    sameVersions(one.versions, other.versions)
  );
}
