import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import { withDigits } from '@enjambre/core/named';
import { quote } from '@enjambre/core/quote';
import type { Capacity } from './capacity.js';
import { checkRoomName, type PeerRef, type Target, type TargetRequest } from './message.js';
import { Rooms } from './rooms.js';

export interface KnownPeer extends PeerRef {
  /** Milliseconds since 1970. */
  readonly seenAt: number;
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

/** Limit of peers that an error lists for one name. */
const MAX_CHOICES = 10;
const SHOWN_DIGITS = 16;

/** Peers that have sent a hello, and their rooms. */
export class Roster {
  readonly rooms: Rooms;
  readonly #peers = new Map<PeerId, KnownPeer>();
  readonly #byName = new Map<string, Set<PeerId>>();

  constructor(private readonly capacity: Capacity) {
    this.rooms = new Rooms(capacity);
  }

  get size(): number {
    return this.#peers.size;
  }

  nameOf(id: PeerId): string {
    return this.#peers.get(id)?.name ?? id;
  }

  /** Throws `exhausted` TOO_MANY_PEERS for a new peer above the limit. */
  checkRoomFor(id: PeerId): void {
    if (this.#peers.has(id) || this.#peers.size < this.capacity.knownPeers) return;
    const message = `there are already ${this.#peers.size} known peers, which is the limit: try again later`;
    throw new EnjambreError('exhausted', 'TOO_MANY_PEERS', message);
  }

  /** Records the hello of a peer; a new name replaces its old one. */
  greet(peer: KnownPeer): void {
    const before = this.#peers.get(peer.id);
    if (before && before.name !== peer.name) this.#unname(before);
    this.#peers.set(peer.id, peer);
    let ids = this.#byName.get(peer.name);
    if (!ids) this.#byName.set(peer.name, (ids = new Set()));
    ids.add(peer.id);
  }

  /** Peers not seen for longer than the retention. */
  stale(now: number): KnownPeer[] {
    const since = now - this.capacity.peerRetentionMs;
    return [...this.#peers.values()].filter(({ seenAt }) => seenAt < since);
  }

  /** Removes a peer and its memberships; returns its rooms. */
  forget(id: PeerId): string[] {
    const peer = this.#peers.get(id);
    if (peer) this.#unname(peer);
    this.#peers.delete(id);
    const rooms = this.rooms.of(id);
    for (const room of rooms) this.rooms.leave(room, id);
    return rooms;
  }

  /**
   * Resolves the target of a message of `sender`. Throws `not-found` UNKNOWN_PEER or UNKNOWN_ROOM,
   * `precondition` AMBIGUOUS_PEER, NOT_A_MEMBER or NO_RECEIVERS, `invalid` BAD_ROOM.
   */
  resolve(sender: PeerId, request: TargetRequest): Resolved {
    if (request.kind === 'peer') {
      const peer = this.findPeer(request.peer);
      return { target: { kind: 'peer', peer: { id: peer.id, name: peer.name } }, receivers: [peer.id] };
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
   * Finds a peer by id, by a unique name, or by at least the first 8 digits of an id. Throws `not-found`
   * UNKNOWN_PEER, `precondition` AMBIGUOUS_PEER.
   */
  findPeer(text: string): KnownPeer {
    const byId = this.#peers.get(text.toLowerCase() as PeerId);
    if (byId) return byId;
    const named = this.#peersOf(this.#byName.get(text) ?? []);
    const found = named.length > 0 ? named : withDigits(text, this.#peers.values(), ({ id }) => id);
    const [peer] = found;
    if (!peer) {
      const message = `no peer ${quote(text)} is known to this messaging service: check its name, or start it`;
      throw new EnjambreError('not-found', 'UNKNOWN_PEER', message);
    }
    if (found.length === 1) return peer;
    throw ambiguous(text, found);
  }

  #peersOf(ids: Iterable<PeerId>): KnownPeer[] {
    return [...ids].flatMap((id) => this.#peers.get(id) ?? []);
  }

  #membersOf(room: string, sender: PeerId): Iterable<PeerId> {
    checkRoomName(room);
    const members = this.rooms.members(room);
    if (!members) {
      const message = `there is no room ${quote(room)}: join it to create it`;
      throw new EnjambreError('not-found', 'UNKNOWN_ROOM', message);
    }
    if (!members.has(sender)) {
      const message = `only members may write to the room ${quote(room)}: join it first`;
      throw new EnjambreError('precondition', 'NOT_A_MEMBER', message);
    }
    return members;
  }

  #unname({ id, name }: KnownPeer): void {
    const ids = this.#byName.get(name);
    ids?.delete(id);
    if (ids?.size === 0) this.#byName.delete(name);
  }
}

/** Lists the choices, latest first: a reinstalled machine leaves its old id behind. */
function ambiguous(text: string, found: readonly KnownPeer[]): EnjambreError {
  const byAge = [...found].sort((a, b) => b.seenAt - a.seenAt);
  const choices = byAge
    .slice(0, MAX_CHOICES)
    .map(({ id, seenAt }) => `${id.slice(0, SHOWN_DIGITS)} (connected ${new Date(seenAt).toISOString()})`);
  const shown = choices.join(', ') + (found.length > MAX_CHOICES ? ', …' : '');
  const message = `${found.length} peers are named ${quote(text)}: give the id of the one you mean: ${shown}`;
  return new EnjambreError('precondition', 'AMBIGUOUS_PEER', message);
}
