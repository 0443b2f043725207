import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import type { Capacity } from './capacity.js';

/** Rooms and their members. A room exists while it has members. */
export class Rooms {
  readonly #members = new Map<string, Set<PeerId>>();
  readonly #roomsOf = new Map<PeerId, Set<string>>();

  constructor(private readonly capacity: Capacity) {}

  members(room: string): ReadonlySet<PeerId> | undefined {
    return this.#members.get(room);
  }

  /** The rooms of one peer. */
  of(peer: PeerId): string[] {
    return [...(this.#roomsOf.get(peer) ?? [])];
  }

  /** Throws `exhausted` TOO_MANY_ROOMS, TOO_MANY_MEMBERS or TOO_MANY_MEMBERSHIPS if `peer` cannot join. */
  checkRoomFor(room: string, peer: PeerId): void {
    const members = this.#members.get(room);
    if (members?.has(peer)) return;
    if (!members && this.#members.size >= this.capacity.rooms) {
      throw full(
        'TOO_MANY_ROOMS',
        `there are already ${this.#members.size} rooms, which is the limit: join one of them`,
      );
    }
    if (members && members.size >= this.capacity.membersPerRoom) {
      throw full(
        'TOO_MANY_MEMBERS',
        `the room already has ${members.size} members, which is the limit: join another`,
      );
    }
    const own = this.#roomsOf.get(peer)?.size ?? 0;
    if (own >= this.capacity.roomsPerPeer) {
      throw full(
        'TOO_MANY_MEMBERSHIPS',
        `you are already in ${own} rooms, which is the limit: leave one first`,
      );
    }
  }

  join(room: string, peer: PeerId): void {
    let members = this.#members.get(room);
    if (!members) this.#members.set(room, (members = new Set()));
    members.add(peer);
    let rooms = this.#roomsOf.get(peer);
    if (!rooms) this.#roomsOf.set(peer, (rooms = new Set()));
    rooms.add(room);
  }

  /** False if `peer` was not a member. */
  leave(room: string, peer: PeerId): boolean {
    const members = this.#members.get(room);
    if (!members?.delete(peer)) return false;
    if (members.size === 0) this.#members.delete(room);
    const rooms = this.#roomsOf.get(peer);
    rooms?.delete(room);
    if (rooms?.size === 0) this.#roomsOf.delete(peer);
    return true;
  }

  /** Names of rooms after `after`, by code unit. */
  names(after: string): string[] {
    return [...this.#members.keys()].filter((name) => name > after).sort();
  }
}

function full(reason: string, message: string): EnjambreError {
  return new EnjambreError('exhausted', reason, message);
}
