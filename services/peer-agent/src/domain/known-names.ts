import { shortId, type PeerId } from '@enjambre/core/ids';
import { canonicalName, nameKey, shownName } from '@enjambre/core/peer-names';

/** The peer that this agent saw first under a name. */
export interface KnownName {
  /** As peers of that name compare: see {@link nameKey}. */
  readonly key: string;
  readonly id: PeerId;
}

/** Names that are remembered; further ones are shown as the messaging service says. */
const MAX_NAMES = 10_000;
/** Names remembered for one peer: a stranger that renames itself must not fill the memory. */
const MAX_NAMES_OF_PEER = 2;
/** A name with digits of its peer's id, as services show a second peer of a name. */
const WITH_DIGITS = /^(.+) \(([0-9a-f]{8})\)$/is;

/** In place of a name that no peer may have. */
const UNNAMED = 'peer';

/**
 * The peers that this agent met under each name, first come, first served: another peer of the same name is always shown
 * with digits of its id, whatever a messaging service says that has lost its memory.
 */
export class KnownNames {
  readonly #ids = new Map<string, PeerId>();
  readonly #namesOf = new Map<PeerId, number>();

  /** @param self this agent: nobody else is shown by its plain name */
  constructor(private readonly self: { readonly peerId: PeerId; readonly name: string }) {}

  get all(): readonly KnownName[] {
    return [...this.#ids].map(([key, id]) => ({ key, id }));
  }

  /** Remembers a name as it was stored. */
  restore({ key, id }: KnownName): void {
    this.#remember(key, id);
  }

  /** Remembers a peer under its name if the service shows it as the first of that name. Returns true for a new name. */
  meet(name: string, id: PeerId): boolean {
    const { base, isFirst } = split(name, id);
    const key = nameKey(base);
    if (!isFirst || base === UNNAMED || this.#ids.has(key)) return false;
    if (this.#ids.size >= MAX_NAMES || (this.#namesOf.get(id) ?? 0) >= MAX_NAMES_OF_PEER) return false;
    this.#remember(key, id);
    return true;
  }

  /**
   * Takes a name from the peer that had it: a person has named the new peer by its digits, and the service knows no
   * other of that name. Returns true if that is a change.
   */
  rebind(name: string, id: PeerId): boolean {
    const { base, isFirst } = split(name, id);
    const key = nameKey(base);
    if (!isFirst || !this.#ids.has(key) || this.#ids.get(key) === id) return false;
    this.#remember(key, id);
    return true;
  }

  /** The peer that a person means by a name, or by a name with digits; undefined if this agent does not know. */
  idOf(text: string): PeerId | undefined {
    const [, name = text, digits = ''] = WITH_DIGITS.exec(text) ?? [];
    const id = this.#ids.get(nameKey(name));
    return id !== undefined && id.startsWith(digits.toLowerCase()) ? id : undefined;
  }

  /** How to show a peer, given its name as the service shows it. */
  shown(name: string, id: PeerId): string {
    const { base, isFirst } = split(name, id);
    if (id === this.self.peerId) return base;
    const key = nameKey(base);
    const first = key === nameKey(this.self.name) ? this.self.peerId : this.#ids.get(key);
    const isPlain = first === undefined ? isFirst && base !== UNNAMED : first === id;
    return isPlain ? base : shownName(base, id);
  }

  #remember(key: string, id: PeerId): void {
    const before = this.#ids.get(key);
    if (before !== undefined) this.#count(before, -1);
    this.#ids.set(key, id);
    this.#count(id, 1);
  }

  #count(id: PeerId, by: number): void {
    const count = (this.#namesOf.get(id) ?? 0) + by;
    if (count > 0) this.#namesOf.set(id, count);
    else this.#namesOf.delete(id);
  }
}

/** True for a name with digits, such as "alice (1a2b3c4d)". */
export function hasDigits(text: string): boolean {
  return WITH_DIGITS.test(text);
}

/** A name without its digits; an older service may pass on names that no peer may have now. */
function split(shown: string, id: PeerId): { readonly base: string; readonly isFirst: boolean } {
  const [, name = '', digits = ''] = WITH_DIGITS.exec(shown) ?? [];
  const isSecond = digits.toLowerCase() === shortId(id);
  try {
    return { base: canonicalName(isSecond ? name : shown), isFirst: !isSecond };
  } catch {
    return { base: UNNAMED, isFirst: false };
  }
}
