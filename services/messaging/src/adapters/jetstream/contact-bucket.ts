import type { Logger } from '@enjambre/common/log/logger';
import { EnjambreError } from '@enjambre/core/error';
import { parsePeerId, type PeerId } from '@enjambre/core/ids';
import type { KvEntry } from 'nats';
import { z } from 'zod';
import type { Contacts } from '../../app/ports.js';
import type { KeptName } from '../../domain/kept-names.js';
import type { KnownPeer, Membership } from '../../domain/roster.js';
import { checkRoomName } from '../../domain/message.js';
import { decodeName, decodePeer, encodeName, encodePeer } from './stored-contact.js';
import type { JetStreamAccess } from './jetstream-access.js';

/** A bucket of 10,000 peers is read in well under a second. */
const LOAD_TIMEOUT_MS = 20_000;
/** Milliseconds since 1970. */
const timeSchema = z.coerce.number().min(0);

interface Found {
  readonly peers: KnownPeer[];
  readonly memberships: Membership[];
  readonly names: KeptName[];
}

/**
 * Stores peers, memberships, cursors and names of forgotten peers in a KV bucket: "peer.ID", "room.NAME.ID" (the name
 * in base64url, since keys are ASCII), "cursor.ID" and "name.ID".
 */
export class ContactBucket {
  readonly #cursors = new Map<PeerId, number>();

  constructor(
    private readonly access: JetStreamAccess,
    private readonly log: Logger,
  ) {}

  /** Reads the whole bucket. Malformed entries are ignored. */
  load(): Promise<Contacts> {
    return this.access.use(async ({ contacts }) => {
      const found: Found = { peers: [], memberships: [], names: [] };
      const entries = await contacts.history();
      const deadline = setTimeout(() => entries.stop(tooSlow()), LOAD_TIMEOUT_MS);
      try {
        for await (const entry of entries) {
          if (entry.operation === 'PUT') this.#readOrLeave(entry, found);
        }
      } finally {
        clearTimeout(deadline);
      }
      return found;
    });
  }

  async savePeer({ id, ...peer }: KnownPeer): Promise<void> {
    await this.#put(`peer.${id}`, encodePeer(peer));
  }

  async forgetPeer(id: PeerId): Promise<void> {
    this.#cursors.delete(id);
    await this.access.use(({ contacts }) => contacts.purge(`peer.${id}`));
    await this.access.use(({ contacts }) => contacts.purge(`cursor.${id}`));
  }

  async saveMembership(membership: Membership): Promise<void> {
    await this.#put(membershipKey(membership), String(membership.joinedAt));
  }

  async deleteMembership(membership: Omit<Membership, 'joinedAt'>): Promise<void> {
    await this.access.use(({ contacts }) => contacts.purge(membershipKey(membership)));
  }

  async saveName({ id, ...name }: KeptName): Promise<void> {
    await this.#put(`name.${id}`, encodeName(name));
  }

  async deleteName(id: PeerId): Promise<void> {
    await this.access.use(({ contacts }) => contacts.purge(`name.${id}`));
  }

  /** The last saved delivery that a receiver has acknowledged; 0 if none was saved. */
  cursor(receiver: PeerId): number {
    return this.#cursors.get(receiver) ?? 0;
  }

  async saveCursor(receiver: PeerId, id: number): Promise<void> {
    if (id <= this.cursor(receiver)) return;
    await this.#put(`cursor.${receiver}`, String(id));
    this.#cursors.set(receiver, id);
  }

  async #put(key: string, value: string): Promise<void> {
    await this.access.use(({ contacts }) => contacts.put(key, value));
  }

  #readOrLeave(entry: KvEntry, found: Found): void {
    try {
      this.#read(entry, found);
    } catch (error) {
      this.log.warn({ err: error, key: entry.key }, 'a malformed entry of the contacts is ignored');
    }
  }

  #read(entry: KvEntry, found: Found): void {
    const { key } = entry;
    const text = entry.string();
    const [kind, first = '', second = ''] = key.split('.');
    if (kind === 'peer') {
      found.peers.push({ id: parsePeerId(first), ...decodePeer(text) });
    } else if (kind === 'room') {
      const room = Buffer.from(first, 'base64url').toString();
      checkRoomName(room);
      // Earlier versions store no time.
      const joinedAt = text === '' ? entry.created.getTime() : timeSchema.parse(text);
      found.memberships.push({ room, peer: parsePeerId(second), joinedAt });
    } else if (kind === 'name') {
      found.names.push({ id: parsePeerId(first), ...decodeName(text) });
    } else if (kind === 'cursor') {
      this.#cursors.set(parsePeerId(first), z.coerce.number().int().min(0).parse(text));
    }
  }
}

function membershipKey({ room, peer }: Omit<Membership, 'joinedAt'>): string {
  return `room.${Buffer.from(room).toString('base64url')}.${peer}`;
}

function tooSlow(): EnjambreError {
  return new EnjambreError(
    'unavailable',
    'STORE_AWAY',
    'NATS did not list the known peers in time: try again',
  );
}
