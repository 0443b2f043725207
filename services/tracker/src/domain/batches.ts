import type { InfoHash } from '@enjambre/core/ids';
import type { Changes, MemberState, SessionEnd, SessionState } from './replica-state.js';

/** Upper bounds of the encoded size of each part, in bytes; a character takes up to 3. */
const CHAR_BYTES = 3;
const END_BYTES = 60;
const LEFT_BYTES = 40;
const MEMBER_BYTES = 160;
const SESSION_BYTES = 260;
/** Ports, and the addresses of the tracker's host that belong to them. */
const HOST_CHARS = 500;

/**
 * Splits changes into batches that fit into messages of `maxBytes`, in an order in which they can be applied.
 * Changes of one session may be split.
 */
export function* batchesOf({ ended, sessions }: Changes, maxBytes: number): Generator<Changes> {
  const batch = new Batch(maxBytes);
  for (const end of ended) yield* batch.addEnd(end);
  for (const state of sessions) yield* batch.addSession(state);
  yield* batch.rest();
}

class Batch {
  #ended: SessionEnd[] = [];
  #sessions: SessionState[] = [];
  #bytes = 0;

  constructor(private readonly maxBytes: number) {}

  *addEnd(end: SessionEnd): Generator<Changes> {
    yield* this.#makeRoom(END_BYTES);
    this.#ended.push(end);
  }

  *addSession(state: SessionState): Generator<Changes> {
    let part = yield* this.#begin(state);
    for (const infohash of state.left) {
      if (this.#bytes + LEFT_BYTES > this.maxBytes) part = yield* this.#begin(state);
      this.#bytes += LEFT_BYTES;
      part.left.push(infohash);
    }
    for (const member of state.members) {
      const bytes = memberBytes(member);
      if (this.#bytes + bytes > this.maxBytes) part = yield* this.#begin(state);
      this.#bytes += bytes;
      part.members.push(member);
    }
  }

  *rest(): Generator<Changes> {
    if (this.#bytes > 0) yield { ended: this.#ended, sessions: this.#sessions };
    this.#ended = [];
    this.#sessions = [];
    this.#bytes = 0;
  }

  *#begin(state: SessionState): Generator<Changes, { left: InfoHash[]; members: MemberState[] }> {
    yield* this.#makeRoom(sessionBytes(state));
    const part = { ...state, left: [] as InfoHash[], members: [] as MemberState[] };
    this.#sessions.push(part);
    return part;
  }

  *#makeRoom(bytes: number): Generator<Changes> {
    if (this.#bytes + bytes > this.maxBytes) yield* this.rest();
    this.#bytes += bytes;
  }
}

function sessionBytes({ peer, party }: SessionState): number {
  const { name, endpoint, version, labels, reach } = peer;
  let chars = party.length + name.length + endpoint.length + version.length + reach.host.length;
  for (const { length } of [...reach.elsewhere, ...reach.ownHost]) chars += length + 4;
  if (reach.ports.length > 0) chars += HOST_CHARS;
  for (const [key, value] of Object.entries(labels)) chars += key.length + value.length + 4;
  return SESSION_BYTES + CHAR_BYTES * chars;
}

function memberBytes({ file, firstShare }: MemberState): number {
  return MEMBER_BYTES + CHAR_BYTES * ((file?.name.length ?? 0) + (firstShare?.by.length ?? 0));
}
