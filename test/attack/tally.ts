/** Counts of one attacker, as it prints them on a line of standard output. */
export interface Counts {
  /** Typed refusals: a status with the reason of its ErrorInfo, or a GOAWAY with debug data. */
  readonly refused: Readonly<Record<string, number>>;
  /** Any other end: a closed socket, a reset stream, a status without a reason. */
  readonly ended: Readonly<Record<string, number>>;
  /** The most of each thing that it held at a time, such as streams. */
  readonly held: Readonly<Record<string, number>>;
  /** Other facts that a scenario checks. */
  readonly facts: Readonly<Record<string, number>>;
  /** True when the attack is at full strength, or was refused on the way there. */
  readonly inFullSwing: boolean;
}

/** Counts what an attacker is answered and what it holds. */
export class Tally {
  readonly #refused = new Map<string, number>();
  readonly #ended = new Map<string, number>();
  readonly #holds = new Map<string, number>();
  readonly #held = new Map<string, number>();
  readonly #facts = new Map<string, number>();
  inFullSwing = false;

  refused(reason: string): void {
    add(this.#refused, reason, 1);
  }

  ended(how: string): void {
    add(this.#ended, how, 1);
  }

  fact(name: string, count = 1): void {
    add(this.#facts, name, count);
  }

  hold(what: string): void {
    const now = add(this.#holds, what, 1);
    this.#held.set(what, Math.max(now, this.#held.get(what) ?? 0));
  }

  release(what: string): void {
    add(this.#holds, what, -1);
  }

  get counts(): Counts {
    const [refused, ended, held, facts] = [this.#refused, this.#ended, this.#held, this.#facts].map((map) =>
      Object.fromEntries(map),
    ) as [Counts['refused'], Counts['ended'], Counts['held'], Counts['facts']];
    return { refused, ended, held, facts, inFullSwing: this.inFullSwing };
  }
}

function add(map: Map<string, number>, key: string, count: number): number {
  const sum = (map.get(key) ?? 0) + count;
  map.set(key, sum);
  return sum;
}
