import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import { quote } from '@enjambre/core/quote';
import { Roster } from '../domain/roster.js';
import type { Capacity } from '../domain/capacity.js';
import { checkRoomName, type PeerRef } from '../domain/message.js';
import type { MessageStore } from './ports.js';

interface ContactBookParts {
  readonly store: MessageStore;
  readonly capacity: Capacity;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** The roster, read from the store on first use; each change is stored before it takes effect. */
export class ContactBook {
  #loading: Promise<Roster> | undefined;
  #loaded: Roster | undefined;

  constructor(private readonly parts: ContactBookParts) {}

  /** Throws `unavailable` STORE_AWAY while the store cannot be read. */
  async roster(): Promise<Roster> {
    if (this.#loaded) return this.#loaded;
    this.#loading ??= this.#load();
    try {
      return await this.#loading;
    } finally {
      this.#loading = undefined;
    }
  }

  /** False before the roster was read. */
  isMember(room: string, peer: PeerId): boolean {
    return this.#loaded?.rooms.members(room)?.has(peer) === true;
  }

  /** Throws `exhausted` TOO_MANY_PEERS. */
  async greet(peer: PeerRef): Promise<void> {
    const { store, clock } = this.parts;
    const roster = await this.roster();
    roster.checkRoomFor(peer.id);
    const known = { id: peer.id, name: peer.name, seenAt: clock() };
    await store.savePeer(known);
    roster.greet(known);
  }

  async join(room: string, peer: PeerId): Promise<Roster> {
    checkRoomName(room);
    const roster = await this.roster();
    roster.rooms.checkRoomFor(room, peer);
    await this.parts.store.saveMembership({ room, peer });
    roster.rooms.join(room, peer);
    return roster;
  }

  /** Throws `not-found` NOT_A_MEMBER. */
  async leave(room: string, peer: PeerId): Promise<void> {
    checkRoomName(room);
    const roster = await this.roster();
    if (!roster.rooms.members(room)?.has(peer)) {
      const message = `not a member of the room ${quote(room)}`;
      throw new EnjambreError('not-found', 'NOT_A_MEMBER', message, { metadata: { remedy: 'list-rooms' } });
    }
    await this.parts.store.deleteMembership({ room, peer });
    roster.rooms.leave(room, peer);
  }

  /** Removes peers that were absent for too long; connected ones count as seen now. */
  async prune(connected: ReadonlySet<PeerId>): Promise<void> {
    const { store, clock } = this.parts;
    const roster = await this.roster();
    for (const { id, name } of roster.stale(clock())) {
      if (connected.has(id)) {
        await this.greet({ id, name });
        continue;
      }
      for (const room of roster.forget(id)) await store.deleteMembership({ room, peer: id });
      await store.forgetPeer(id);
    }
  }

  async #load(): Promise<Roster> {
    const { peers, memberships } = await this.parts.store.contacts();
    const roster = new Roster(this.parts.capacity);
    for (const peer of peers) roster.greet(peer);
    for (const { room, peer } of memberships) roster.rooms.join(room, peer);
    this.#loaded = roster;
    return roster;
  }
}
