import { networkOf } from '@enjambre/core/network-of';
import type { PeerId } from '@enjambre/core/ids';
import type { Random } from '../../../domain/random.js';

/** New addresses that are dialed at once: a small swarm need not wait. */
const BURST = 20;
/** New addresses per second beyond that. One at which its peer answers does not count. */
const PER_SECOND = 5;
/** Addresses remembered. */
const MAX_REMEMBERED = 10_000;

/** An address of a peer. */
export interface DialTarget {
  readonly peerId: PeerId;
  /** HOST:PORT, with an IP address as host. */
  readonly endpoint: string;
}

interface Waiting {
  readonly target: DialTarget;
  readonly go: () => void;
}

/**
 * Limits how fast an agent dials addresses that strangers named: those at which it never reached their peer wait for
 * their turn. Turns are drawn at random among the parties (docs/protocol.md) whose addresses wait: very many addresses
 * of one party do not keep the others waiting.
 */
export class DialGate {
  /** Addresses at which their peer was reached, and those dialed in vain so far. */
  readonly #known = new Remembered();
  readonly #tried = new Remembered();
  readonly #waiting = new Map<string, Waiting[]>();
  #credit = BURST;
  #filledMs: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param nowMs monotonic time in milliseconds */
  constructor(
    private readonly random: Random = Math.random,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#filledMs = nowMs();
  }

  /** Calls `go` when the address may be dialed, perhaps at once. Returns how to give up waiting. */
  enter(target: DialTarget, go: () => void): () => void {
    if (this.#known.has(keyOf(target)) || (this.#waiting.size === 0 && this.#take(target))) {
      go();
      return () => undefined;
    }
    const party = networkOf(target.endpoint);
    const waiting = { target, go };
    this.#waiting.set(party, [...(this.#waiting.get(party) ?? []), waiting]);
    this.#admit();
    return () => {
      this.#leave(party, waiting);
    };
  }

  /** The peer answered at this address: from now on it is dialed without waiting. */
  reached(target: DialTarget): void {
    const key = keyOf(target);
    this.#known.add(key);
    if (this.#tried.delete(key)) this.#credit = Math.min(BURST, this.#credit + 1);
    this.#admit();
  }

  #take(target: DialTarget): boolean {
    const nowMs = this.nowMs();
    this.#credit = Math.min(BURST, this.#credit + ((nowMs - this.#filledMs) * PER_SECOND) / 1000);
    this.#filledMs = nowMs;
    if (this.#credit < 1) return false;
    this.#credit -= 1;
    this.#tried.add(keyOf(target));
    return true;
  }

  #admit(): void {
    for (let next = this.#draw(); next && this.#take(next.waiting.target); next = this.#draw()) {
      this.#leave(next.party, next.waiting);
      next.waiting.go();
    }
    if (this.#waiting.size === 0) return;
    const waitMs = Math.ceil(((1 - this.#credit) * 1000) / PER_SECOND);
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#admit();
      },
      Math.max(1, waitMs),
    ).unref();
  }

  #draw(): { readonly party: string; readonly waiting: Waiting } | undefined {
    const party = this.#pick([...this.#waiting.keys()]);
    const waiting = party === undefined ? undefined : this.#pick(this.#waiting.get(party) ?? []);
    return party !== undefined && waiting ? { party, waiting } : undefined;
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.random() * items.length)];
  }

  #leave(party: string, waiting: Waiting): void {
    const others = this.#waiting.get(party)?.filter((other) => other !== waiting) ?? [];
    if (others.length > 0) this.#waiting.set(party, others);
    else this.#waiting.delete(party);
  }
}

/** Distinct for each peer at each address. */
export function keyOf({ peerId, endpoint }: DialTarget): string {
  return `${peerId} ${endpoint}`;
}

/** A set that forgets its oldest entries. */
class Remembered {
  readonly #keys = new Set<string>();

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    this.#keys.delete(key);
    this.#keys.add(key);
    const [oldest] = this.#keys;
    if (this.#keys.size > MAX_REMEMBERED && oldest !== undefined) this.#keys.delete(oldest);
  }

  delete(key: string): boolean {
    return this.#keys.delete(key);
  }
}
