import { formatDuration } from '@enjambre/core/format-duration';
import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import { quote } from '@enjambre/core/quote';
import { Roster, type KnownPeer } from '../domain/roster.js';
import type { Capacity } from '../domain/capacity.js';
import { checkRoomName, type Caller } from '../domain/message.js';
import type { PartyQuotas } from '../domain/party-quotas.js';
import { Rates } from '../domain/rates.js';
import type { MessageStore } from './ports.js';

export interface ContactBookParts {
  readonly store: MessageStore;
  readonly capacity: Capacity;
  readonly quotas: PartyQuotas;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** The roster, read from the store on first use; each change is stored before it takes effect. */
export class ContactBook {
  #loading: Promise<Roster> | undefined;
  #loaded: Roster | undefined;
  readonly #newPeers: Rates;
  /** Peers whose part is being stored. */
  readonly #noting = new Set<PeerId>();

  constructor(private readonly parts: ContactBookParts) {
    this.#newPeers = new Rates(parts.quotas.newPeers, tooManyNewPeers);
  }

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

  /** The roster, once it was read. */
  get loaded(): Roster | undefined {
    return this.#loaded;
  }

  /** Throws `exhausted` TOO_MANY_PEERS. */
  async greet(caller: Caller): Promise<void> {
    const { store, clock } = this.parts;
    const roster = await this.roster();
    const now = clock();
    if (!roster.get(caller.id)) {
      roster.checkRoomFor(caller.party);
      this.#newPeers.take(caller.party, now);
    }
    const known = roster.greeted(caller, now);
    await store.savePeer(known);
    if (roster.keptName(caller.id)) await store.deleteName(caller.id);
    roster.set(known);
  }

  /** Call it when a peer has sent or received a message: it is known for longer. Does not wait, and may fail. */
  tookPart(id: PeerId): void {
    const peer = this.#loaded?.get(id);
    if (!peer || peer.tookPart || this.#noting.has(id)) return;
    this.#noting.add(id);
    this.#change(peer, { tookPart: true })
      // Stored with its next message.
      .catch(() => undefined)
      .finally(() => this.#noting.delete(id));
  }

  async join(room: string, { id: peer }: Caller): Promise<Roster> {
    checkRoomName(room);
    const roster = await this.roster();
    if (roster.rooms.has(room, peer)) return roster;
    const member = { peer, party: roster.get(peer)?.party ?? '', joinedAt: this.parts.clock() };
    roster.rooms.checkRoomFor(room, member);
    await this.parts.store.saveMembership({ room, peer, joinedAt: member.joinedAt });
    roster.rooms.join(room, member);
    this.tookPart(peer);
    return roster;
  }

  /** Throws `not-found` NOT_A_MEMBER. */
  async leave(room: string, peer: PeerId): Promise<void> {
    checkRoomName(room);
    const roster = await this.roster();
    if (!roster.rooms.has(room, peer)) {
      const message = `not a member of the room ${quote(room)}`;
      throw new EnjambreError('not-found', 'NOT_A_MEMBER', message, { metadata: { remedy: 'list-rooms' } });
    }
    await this.parts.store.deleteMembership({ room, peer });
    roster.rooms.leave(room, peer);
  }

  /**
   * Removes peers that were absent for too long; connected ones count as seen now. A newcomer that a message waits for
   * is kept as long as others.
   */
  async prune(connected: ReadonlySet<PeerId>): Promise<void> {
    const { store, clock, capacity } = this.parts;
    const roster = await this.roster();
    const now = clock();
    this.#newPeers.prune(now);
    await this.#notePresent(roster, connected, now);
    for (const peer of roster.stale(now)) {
      const { id, seenAt } = peer;
      // Another hello may have come while earlier ones were removed.
      if (connected.has(id) || roster.get(id) !== peer) continue;
      if (store.pending.of(id).messages > 0 && seenAt >= now - capacity.peerRetentionMs) continue;
      const { rooms, keptName } = roster.forget(id, now);
      if (keptName) await store.saveName(keptName);
      for (const room of rooms) await store.deleteMembership({ room, peer: id });
      await store.forgetPeer(id);
    }
    for (const { id } of roster.expiredNames(now)) {
      await store.deleteName(id);
      roster.dropName(id);
    }
  }

  async #notePresent(roster: Roster, connected: ReadonlySet<PeerId>, now: number): Promise<void> {
    for (const id of connected) {
      const before = roster.get(id);
      if (!before) continue;
      const peer = roster.present(before, now);
      const { seenAt, presentMs, tookPart } = peer;
      if (roster.isWorthStoring(before, peer)) await this.#change(before, { seenAt, presentMs, tookPart });
      else roster.set(peer);
    }
  }

  async #change(peer: KnownPeer, change: Partial<KnownPeer>): Promise<void> {
    await this.parts.store.savePeer({ ...peer, ...change });
    // It may have said hello meanwhile.
    const current = this.#loaded?.get(peer.id);
    if (current) this.#loaded?.set({ ...current, ...change });
  }

  async #load(): Promise<Roster> {
    const { peers, memberships, names } = await this.parts.store.contacts();
    const roster = new Roster(this.parts.capacity, this.parts.quotas);
    for (const peer of peers) roster.set(peer);
    for (const membership of memberships) roster.restore(membership);
    for (const name of names) roster.restoreName(name);
    this.#loaded = roster;
    return roster;
  }
}

function tooManyNewPeers(retryAfterMs: number): EnjambreError {
  const message = `too many new peers have come from your address within a minute: try again after ${formatDuration(retryAfterMs)}`;
  return new EnjambreError('exhausted', 'TOO_MANY_PEERS', message, { retryAfterMs });
}
