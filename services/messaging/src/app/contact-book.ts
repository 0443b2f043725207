import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import { quote } from '@enjambre/core/quote';
import { Directory } from '../domain/directory.js';
import type { Limits } from '../domain/limits.js';
import { checkRoomName, type PeerRef } from '../domain/message.js';
import type { MessageStore } from './ports.js';

interface ContactBookParts {
  readonly store: MessageStore;
  readonly limits: Limits;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** The directory, read from the store when it is first needed, and each change kept there before it counts. */
export class ContactBook {
  #loading: Promise<Directory> | undefined;
  #loaded: Directory | undefined;

  constructor(private readonly parts: ContactBookParts) {}

  /** Throws `unavailable` STORE_AWAY as long as the store could not be read. */
  async directory(): Promise<Directory> {
    if (this.#loaded) return this.#loaded;
    this.#loading ??= this.#load();
    try {
      return await this.#loading;
    } finally {
      this.#loading = undefined;
    }
  }

  /** Throws `exhausted` TOO_MANY_PEERS. */
  async greet(peer: PeerRef): Promise<void> {
    const { store, clock } = this.parts;
    const directory = await this.directory();
    directory.checkRoomFor(peer.id);
    const known = { id: peer.id, name: peer.name, seenAt: clock() };
    await store.savePeer(known);
    directory.greet(known);
  }

  async join(room: string, peer: PeerId): Promise<Directory> {
    checkRoomName(room);
    const directory = await this.directory();
    directory.rooms.checkRoomFor(room, peer);
    await this.parts.store.saveMembership({ room, peer });
    directory.rooms.join(room, peer);
    return directory;
  }

  /** Throws `not-found` NOT_A_MEMBER. */
  async leave(room: string, peer: PeerId): Promise<void> {
    checkRoomName(room);
    const directory = await this.directory();
    if (!directory.rooms.members(room)?.has(peer)) {
      const message = `not a member of the room ${quote(room)}: \`enjambre rooms\` shows the rooms and their members`;
      throw new EnjambreError('not-found', 'NOT_A_MEMBER', message);
    }
    await this.parts.store.deleteMembership({ room, peer });
    directory.rooms.leave(room, peer);
  }

  /** Forgets peers that were away for too long; those that are connected count as seen now. */
  async prune(connected: ReadonlySet<PeerId>): Promise<void> {
    const { store, clock } = this.parts;
    const directory = await this.directory();
    for (const { id, name } of directory.stale(clock())) {
      if (connected.has(id)) {
        await this.greet({ id, name });
        continue;
      }
      for (const room of directory.forget(id)) await store.deleteMembership({ room, peer: id });
      await store.forgetPeer(id);
    }
  }

  async #load(): Promise<Directory> {
    const { peers, memberships } = await this.parts.store.contacts();
    const directory = new Directory(this.parts.limits);
    for (const peer of peers) directory.greet(peer);
    for (const { room, peer } of memberships) directory.rooms.join(room, peer);
    this.#loaded = directory;
    return directory;
  }
}
