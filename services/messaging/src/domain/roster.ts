import { EnjambreError } from '@enjambre/core/error';
import { shortId, type PeerId } from '@enjambre/core/ids';
import { withDigits } from '@enjambre/core/named';
import { nameKey, shownName } from '@enjambre/core/peer-names';
import { quote } from '@enjambre/core/quote';
import type { Capacity } from './capacity.js';
import { FirstUses } from './first-uses.js';
import { KeptNames, type KeptName } from './kept-names.js';
import { checkRoomName, type Caller, type PeerRef, type Target, type TargetRequest } from './message.js';
import type { PartyQuotas } from './party-quotas.js';
import { Rooms } from './rooms.js';
import { Tally } from './tally.js';

export interface KnownPeer extends PeerRef {
  /** Milliseconds since 1970, as all times. */
  readonly seenAt: number;
  /** Its first hello: what was sent to everyone before was not for it. */
  readonly knownSince: number;
  /** When it first used its name. */
  readonly namedAt: number;
  /** The party that it counts for; empty for a peer of an earlier version, until its next hello. */
  readonly party: string;
  /** How long it was connected, in milliseconds: about, and only until it took part. */
  readonly presentMs: number;
  /**
   * True if it has sent or received a message, joined a room or was connected for some time: it is known for longer
   * then.
   */
  readonly tookPart: boolean;
}

export interface Membership {
  readonly room: string;
  readonly peer: PeerId;
  readonly joinedAt: number;
}

/** What a peer leaves behind that is forgotten. */
interface Left {
  readonly rooms: readonly string[];
  /** Its name, if it was the first to use it and there is room for it. */
  readonly keptName: KeptName | undefined;
}

/** The receivers of a message; a room or everyone never includes the sender. */
export interface Resolved {
  readonly target: Target;
  readonly receivers: readonly PeerId[];
}

/** A peer is stored again when this part of its retention has passed: the store lags behind by as much. */
const STORED_EVERY = 1 / 8;
/** Retry delay if too many peers are known: newcomers are forgotten within minutes. */
const FULL_RETRY_MS = 60_000;
/** Limit of peers that an error lists. */
const MAX_CHOICES = 10;
const SHOWN_DIGITS = 16;
/** A name with digits, as a peer is shown whose name another peer used first. */
const WITH_DIGITS = /^(.+) \(([0-9a-f]{8})\)$/is;

/** Peers that have sent a hello, and their rooms. */
export class Roster {
  readonly rooms: Rooms;
  readonly #peers = new Map<PeerId, KnownPeer>();
  readonly #names = new FirstUses();
  readonly #kept: KeptNames;
  readonly #byParty = new Tally();

  constructor(
    private readonly capacity: Capacity,
    private readonly quotas: PartyQuotas,
  ) {
    this.rooms = new Rooms(capacity, quotas);
    this.#kept = new KeptNames(capacity, quotas);
  }

  get size(): number {
    return this.#peers.size;
  }

  get(id: PeerId): KnownPeer | undefined {
    return this.#peers.get(id);
  }

  /** The name by which others see a peer: with digits of its id if another peer used its name first. */
  shownName(id: PeerId): string {
    const peer = this.#peers.get(id);
    return peer ? this.#names.shown(peer.name, id) : id;
  }

  /** Throws `exhausted` TOO_MANY_PEERS if no other peer of this party may become known. */
  checkRoomFor(party: string): void {
    const ofParty = this.#byParty.of(party);
    if (ofParty >= this.quotas.knownPeers) throw tooManyPeers(`${ofParty} peers at your address are`);
    if (this.size >= this.capacity.knownPeers) throw tooManyPeers(`${this.size} peers are`);
  }

  /** What to keep of a peer that says hello. One that moves to a party without room still counts for its old one. */
  greeted({ id, name, party }: Caller, now: number): KnownPeer {
    const before = this.#peers.get(id);
    if (!before) {
      const kept = this.#kept.get(id);
      const namedAt = kept && nameKey(kept.name) === nameKey(name) ? kept.namedAt : now;
      return { id, name, seenAt: now, knownSince: now, namedAt, party, presentMs: 0, tookPart: false };
    }
    const moves = before.party !== party && this.#byParty.of(party) < this.quotas.knownPeers;
    const isSameName = nameKey(before.name) === nameKey(name);
    return {
      ...before,
      name,
      seenAt: now,
      namedAt: isSameName ? before.namedAt : now,
      ...(moves && { party }),
    };
  }

  /** A connected peer as seen now. */
  present(peer: KnownPeer, now: number): KnownPeer {
    const presentMs = peer.tookPart ? peer.presentMs : peer.presentMs + Math.max(0, now - peer.seenAt);
    const tookPart = peer.tookPart || presentMs >= this.capacity.newcomerRetentionMs;
    return { ...peer, seenAt: now, presentMs, tookPart };
  }

  /** True if what changed is worth a write, so that connected peers cost few. */
  isWorthStoring(before: KnownPeer, after: KnownPeer): boolean {
    const everyMs = this.capacity.peerRetentionMs * STORED_EVERY;
    const isLater = Math.floor(before.seenAt / everyMs) < Math.floor(after.seenAt / everyMs);
    return isLater || before.tookPart !== after.tookPart;
  }

  /** Adds or replaces a peer. A name that was kept for it is its own again, or free if it has another one. */
  set(peer: KnownPeer): void {
    const before = this.#peers.get(peer.id);
    if (before) this.#byParty.remove(before.party);
    if (before && nameKey(before.name) !== nameKey(peer.name)) this.#names.remove(before.name, peer.id);
    this.#peers.set(peer.id, peer);
    this.dropName(peer.id);
    this.#names.add(peer.name, peer.id, peer.namedAt);
    this.#byParty.add(peer.party);
  }

  /** Adds a membership without a check, as stored. */
  restore({ room, peer, joinedAt }: Membership): void {
    this.rooms.join(room, { peer, party: this.#peers.get(peer)?.party ?? '', joinedAt });
  }

  /** Adds a kept name without a check, as stored. */
  restoreName(kept: KeptName): void {
    this.#kept.add(kept);
    if (!this.#peers.has(kept.id)) this.#names.add(kept.name, kept.id, kept.namedAt);
  }

  /** The name kept for a peer that was forgotten. */
  keptName(id: PeerId): KeptName | undefined {
    return this.#kept.get(id);
  }

  expiredNames(now: number): KeptName[] {
    return this.#kept.expired(now);
  }

  /** A name is no longer kept for this peer. */
  dropName(id: PeerId): void {
    const kept = this.#kept.get(id);
    if (!kept) return;
    this.#kept.remove(id);
    const isUsed = nameKey(this.#peers.get(id)?.name ?? '') === nameKey(kept.name);
    if (!isUsed) this.#names.remove(kept.name, id);
  }

  /** Peers not seen for longer than their retention. */
  stale(now: number): KnownPeer[] {
    const { peerRetentionMs, newcomerRetentionMs } = this.capacity;
    return [...this.#peers.values()].filter(
      ({ seenAt, tookPart }) => seenAt < now - (tookPart ? peerRetentionMs : newcomerRetentionMs),
    );
  }

  /** Removes a peer and its memberships. The first use of its name is kept for the retention of peers. */
  forget(id: PeerId, now: number): Left {
    const rooms = this.rooms.of(id);
    for (const room of rooms) this.rooms.leave(room, id);
    const peer = this.#peers.get(id);
    if (!peer) return { rooms, keptName: undefined };
    const { name, namedAt, party } = peer;
    this.#peers.delete(id);
    this.#byParty.remove(party);
    if (this.#names.first(name) === id && this.#kept.hasRoomFor(party)) {
      const keptName = { id, name, namedAt, party, keptUntil: now + this.capacity.peerRetentionMs };
      this.#kept.add(keptName);
      return { rooms, keptName };
    }
    this.#names.remove(name, id);
    return { rooms, keptName: undefined };
  }

  /** About the number of receivers of a message, at no cost; 1 for a peer. */
  receiversOf(request: TargetRequest): number {
    if (request.kind === 'peer') return 1;
    return request.kind === 'room' ? this.rooms.size(request.room) : this.size;
  }

  /**
   * Resolves the target of a message of `sender`. Throws `not-found` UNKNOWN_PEER or UNKNOWN_ROOM,
   * `precondition` AMBIGUOUS_PEER, NOT_A_MEMBER or NO_RECEIVERS, `invalid` BAD_ROOM.
   */
  resolve(sender: PeerId, request: TargetRequest): Resolved {
    if (request.kind === 'peer') {
      const { id } = this.findPeer(request.peer);
      return { target: { kind: 'peer', peer: { id, name: this.shownName(id) } }, receivers: [id] };
    }
    const all = request.kind === 'room' ? this.#membersOf(request.room, sender) : this.#peers.keys();
    const receivers = [...all].filter((id) => id !== sender);
    if (receivers.length > 0) return { target: request, receivers };
    const where =
      request.kind === 'room' ? `in the room ${quote(request.room)}` : 'known to the messaging service';
    const message = `no other peer is ${where} yet: send again later`;
    throw new EnjambreError('precondition', 'NO_RECEIVERS', message);
  }

  /**
   * Finds a peer by at least the first 8 digits of its id, by name with digits, or by name, which stands for the peer
   * that used it first. Throws `not-found` UNKNOWN_PEER, `precondition` AMBIGUOUS_PEER.
   */
  findPeer(text: string): KnownPeer {
    // Digits first: a peer that uses them as a name must not get the messages of the one that has them.
    const digits = this.#withDigits(text);
    const first = this.#names.first(text);
    const found = this.#knownOf(digits.length > 0 || first === undefined ? digits : [first]);
    const [peer] = found;
    if (!peer) throw unknown(text, this.#knownOf(this.#names.all(text)));
    if (found.length === 1) return peer;
    throw ambiguous(text, found);
  }

  /** Number of other peers that use the name of a peer, too. */
  namesakesOf(id: PeerId): number {
    const peer = this.#peers.get(id);
    return peer ? this.#knownOf(this.#names.all(peer.name)).length - 1 : 0;
  }

  /** By "alice (1a2b3c4d)", or by digits of an id alone. */
  #withDigits(text: string): PeerId[] {
    const [, name = '', digits = ''] = WITH_DIGITS.exec(text) ?? [];
    if (name !== '') return this.#names.all(name).filter((id) => shortId(id) === digits.toLowerCase());
    return withDigits(text, this.#peers.keys(), (id) => id);
  }

  #knownOf(ids: readonly PeerId[]): KnownPeer[] {
    return ids.flatMap((id) => this.#peers.get(id) ?? []);
  }

  #membersOf(room: string, sender: PeerId): Iterable<PeerId> {
    checkRoomName(room);
    const members = this.rooms.members(room);
    if (!members) {
      const message = `there is no room ${quote(room)}: join it to create it`;
      throw new EnjambreError('not-found', 'UNKNOWN_ROOM', message);
    }
    if (!this.rooms.has(room, sender)) {
      const message = `only members may write to the room ${quote(room)}: join it first`;
      throw new EnjambreError('precondition', 'NOT_A_MEMBER', message);
    }
    return members;
  }
}

function tooManyPeers(who: string): EnjambreError {
  const message = `${who} already known, which is the limit: try again later`;
  return new EnjambreError('exhausted', 'TOO_MANY_PEERS', message, { retryAfterMs: FULL_RETRY_MS });
}

/** @param others known peers of that name: the one that had it first was forgotten */
function unknown(text: string, others: readonly KnownPeer[]): EnjambreError {
  const [other] = others;
  const message = other
    ? `the peer that used the name ${quote(text)} first is no longer known: write to another one by its digits, such as ${quote(shownName(other.name, other.id))}`
    : `no peer ${quote(text)} is known to this messaging service: check its name, or start it`;
  return new EnjambreError('not-found', 'UNKNOWN_PEER', message);
}

/** Lists the choices, latest first. */
function ambiguous(text: string, found: readonly KnownPeer[]): EnjambreError {
  const byAge = [...found].sort((a, b) => b.seenAt - a.seenAt);
  const choices = byAge
    .slice(0, MAX_CHOICES)
    .map(({ id, seenAt }) => `${id.slice(0, SHOWN_DIGITS)} (connected ${new Date(seenAt).toISOString()})`);
  const shown = choices.join(', ') + (found.length > MAX_CHOICES ? ', …' : '');
  const message = `the ids of ${found.length} peers begin with ${quote(text)}: give more digits of the one you mean: ${shown}`;
  return new EnjambreError('precondition', 'AMBIGUOUS_PEER', message);
}
