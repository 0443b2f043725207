import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import type { Capacity } from './capacity.js';
import type { PartyQuotas } from './party-quotas.js';
import { Tally } from './tally.js';

/** A peer in a room, and the party that its membership counts for. */
interface Member {
  readonly peer: PeerId;
  readonly party: string;
}

interface NewMember extends Member {
  /** Milliseconds since 1970. */
  readonly joinedAt: number;
}

interface OpenRoom {
  readonly members: Map<PeerId, NewMember>;
  /** The party of its first member. */
  readonly party: string;
}

type RoomLimits = Pick<Capacity, 'rooms' | 'memberships' | 'membersPerRoom' | 'roomsPerPeer'>;
type RoomQuotas = Pick<PartyQuotas, 'rooms' | 'memberships' | 'membersPerRoom'>;

/** Rooms and their members. A room exists while it has members. */
export class Rooms {
  readonly #rooms = new Map<string, OpenRoom>();
  readonly #roomsOf = new Map<PeerId, Set<string>>();
  /** By code unit. */
  readonly #names: string[] = [];
  readonly #roomsByParty = new Tally();
  readonly #membershipsByParty = new Tally();

  constructor(
    private readonly limits: RoomLimits,
    private readonly quotas: RoomQuotas,
  ) {}

  /** The members of a room; undefined if there is no such room. */
  members(room: string): readonly PeerId[] | undefined {
    const members = this.#rooms.get(room)?.members;
    return members && [...members.keys()];
  }

  size(room: string): number {
    return this.#rooms.get(room)?.members.size ?? 0;
  }

  has(room: string, peer: PeerId): boolean {
    return this.#rooms.get(room)?.members.has(peer) === true;
  }

  /** When a member joined; undefined for others. */
  joinedAt(room: string, peer: PeerId): number | undefined {
    return this.#rooms.get(room)?.members.get(peer)?.joinedAt;
  }

  /** The rooms of one peer. */
  of(peer: PeerId): string[] {
    return [...(this.#roomsOf.get(peer) ?? [])];
  }

  /** Throws `exhausted` TOO_MANY_ROOMS, TOO_MANY_MEMBERS or TOO_MANY_MEMBERSHIPS if `peer` cannot join. */
  checkRoomFor(room: string, { peer, party }: Member): void {
    if (this.has(room, peer)) return;
    const { limits, quotas } = this;
    const own = this.#roomsOf.get(peer)?.size ?? 0;
    refuse(own, limits.roomsPerPeer, 'TOO_MANY_MEMBERSHIPS', 'you are already in % rooms: leave one first');
    const ofParty = this.#membershipsByParty.of(party);
    refuse(ofParty, quotas.memberships, 'TOO_MANY_MEMBERSHIPS', `peers at your address ${MEMBERSHIPS}`);
    refuse(
      this.#membershipsByParty.total,
      limits.memberships,
      'TOO_MANY_MEMBERSHIPS',
      `all peers ${MEMBERSHIPS}`,
    );
    const found = this.#rooms.get(room);
    if (found) return this.#checkMembers(found, party);
    const made = this.#roomsByParty.of(party);
    refuse(made, quotas.rooms, 'TOO_MANY_ROOMS', 'peers at your address have already made % rooms: join one');
    refuse(this.#rooms.size, limits.rooms, 'TOO_MANY_ROOMS', 'there are already % rooms: join one of them');
  }

  join(room: string, member: NewMember): void {
    const { peer, party } = member;
    let open = this.#rooms.get(room);
    if (!open) {
      this.#rooms.set(room, (open = { members: new Map(), party }));
      this.#names.splice(this.#placeOf(room), 0, room);
      this.#roomsByParty.add(party);
    }
    if (open.members.has(peer)) return;
    open.members.set(peer, member);
    this.#membershipsByParty.add(party);
    let rooms = this.#roomsOf.get(peer);
    if (!rooms) this.#roomsOf.set(peer, (rooms = new Set()));
    rooms.add(room);
  }

  /** No effect if `peer` is not a member. */
  leave(room: string, peer: PeerId): void {
    const open = this.#rooms.get(room);
    const party = open?.members.get(peer)?.party;
    if (!open || party === undefined) return;
    open.members.delete(peer);
    this.#membershipsByParty.remove(party);
    if (open.members.size === 0) {
      this.#rooms.delete(room);
      this.#names.splice(this.#placeOf(room), 1);
      this.#roomsByParty.remove(open.party);
    }
    const rooms = this.#roomsOf.get(peer);
    rooms?.delete(room);
    if (rooms?.size === 0) this.#roomsOf.delete(peer);
  }

  /** At most `count` names of rooms after `after`, by code unit. */
  names(after: string, count: number): string[] {
    const place = this.#placeOf(after);
    const from = this.#names[place] === after ? place + 1 : place;
    return this.#names.slice(from, from + count);
  }

  #checkMembers({ members }: OpenRoom, party: string): void {
    const { membersPerRoom } = this.limits;
    refuse(members.size, membersPerRoom, 'TOO_MANY_MEMBERS', 'the room already has % members: join another');
    if (members.size < this.quotas.membersPerRoom) return;
    const ofParty = [...members.values()].filter((its) => its.party === party).length;
    const why = 'the room already has % members from your address: join another';
    refuse(ofParty, this.quotas.membersPerRoom, 'TOO_MANY_MEMBERS', why);
  }

  /** The place of a name in the list, or where it would be. */
  #placeOf(name: string): number {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#names[middle] ?? '') < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const MEMBERSHIPS = 'are already in % rooms together, counted by member: leave some first';

/** @param why with % in place of the count */
function refuse(count: number, limit: number, reason: string, why: string): void {
  if (count < limit) return;
  throw new EnjambreError('exhausted', reason, `${why.replace('%', String(count))} (the limit)`);
}
