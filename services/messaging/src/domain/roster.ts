import { EnjambreError } from '@enjambre/core/error';
import { shortId, type PeerId } from '@enjambre/core/ids';
import { withDigits } from '@enjambre/core/named';
import { nameKey } from '@enjambre/core/peer-names';
import { quote } from '@enjambre/core/quote';
import type { Capacity } from './capacity.js';
import { FirstUses } from './first-uses.js';
import { checkRoomName, type Caller, type PeerRef, type Target, type TargetRequest } from './message.js';
import type { PartyQuotas } from './party-quotas.js';
import { Rooms } from './rooms.js';
import { Tally } from './tally.js';

export interface KnownPeer extends PeerRef {
  /** Milliseconds since 1970, as all times. */
  readonly seenAt: number;
  /** When it first used its name. */
  readonly namedAt: number;
  /** The party that it counts for; empty for a peer of an earlier version, until its next hello. */
  readonly party: string;
  /** True if it has sent or received a message, or joined a room: it is known for longer then. */
  readonly tookPart: boolean;
}

export interface Membership {
  readonly room: string;
  readonly peer: PeerId;
}

/** The receivers of a message; a room or everyone never includes the sender. */
export interface Resolved {
  readonly target: Target;
  readonly receivers: readonly PeerId[];
}

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
  readonly #byParty = new Tally();

  constructor(
    private readonly capacity: Capacity,
    private readonly quotas: PartyQuotas,
  ) {
    this.rooms = new Rooms(capacity, quotas);
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
    if (!before) return { id, name, seenAt: now, namedAt: now, party, tookPart: false };
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

  /** Adds or replaces a peer. */
  set(peer: KnownPeer): void {
    this.#remove(peer.id);
    this.#peers.set(peer.id, peer);
    this.#names.add(peer.name, peer.id, peer.namedAt);
    this.#byParty.add(peer.party);
  }

  /** Adds a membership without a check, as stored. */
  restore({ room, peer }: Membership): void {
    this.rooms.join(room, { peer, party: this.#peers.get(peer)?.party ?? '' });
  }

  /** Peers not seen for longer than their retention. */
  stale(now: number): KnownPeer[] {
    const { peerRetentionMs, newcomerRetentionMs } = this.capacity;
    return [...this.#peers.values()].filter(
      ({ seenAt, tookPart }) => seenAt < now - (tookPart ? peerRetentionMs : newcomerRetentionMs),
    );
  }

  /** Removes a peer and its memberships; returns its rooms. */
  forget(id: PeerId): string[] {
    this.#remove(id);
    const rooms = this.rooms.of(id);
    for (const room of rooms) this.rooms.leave(room, id);
    return rooms;
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
    if (!peer) {
      const message = `no peer ${quote(text)} is known to this messaging service: check its name, or start it`;
      throw new EnjambreError('not-found', 'UNKNOWN_PEER', message);
    }
    if (found.length === 1) return peer;
    throw ambiguous(text, found);
  }

  /** Number of other peers that use the name of a peer, too. */
  namesakesOf(id: PeerId): number {
    const peer = this.#peers.get(id);
    return peer ? this.#names.all(peer.name).length - 1 : 0;
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

  #remove(id: PeerId): void {
    const peer = this.#peers.get(id);
    if (!peer) return;
    this.#peers.delete(id);
    this.#names.remove(peer.name, id);
    this.#byParty.remove(peer.party);
  }
}

function tooManyPeers(who: string): EnjambreError {
  const message = `${who} already known, which is the limit: try again later`;
  return new EnjambreError('exhausted', 'TOO_MANY_PEERS', message, { retryAfterMs: FULL_RETRY_MS });
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
