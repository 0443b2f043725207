/** Digits of an id by which rows are found. */
const DIGITS = 8;
const HEXADECIMAL = 16;

interface Identified {
  /** Hexadecimal digits, lower case. */
  readonly id: string;
}

/** Rows by the first digits of their ids. */
export class DigitIndex<Row extends Identified> {
  /** A set only where several ids begin alike, which is rare. */
  readonly #rows = new Map<number, Row | Set<Row>>();

  add(row: Row): void {
    const key = keyOf(row.id);
    const present = this.#rows.get(key);
    if (present === undefined) this.#rows.set(key, row);
    else if (present instanceof Set) present.add(row);
    else this.#rows.set(key, new Set([present, row]));
  }

  delete(row: Row): void {
    const key = keyOf(row.id);
    const present = this.#rows.get(key);
    if (present instanceof Set) present.delete(row);
    if (present === row || (present instanceof Set && present.size === 0)) this.#rows.delete(key);
  }

  /** At most `most` rows whose ids begin with these digits, at least 8. */
  find(digits: string, most: number): Row[] {
    const present = this.#rows.get(keyOf(digits));
    const rows = present instanceof Set ? present : present ? [present] : [];
    const found: Row[] = [];
    for (const row of rows) {
      if (found.length === most) break;
      if (row.id.startsWith(digits)) found.push(row);
    }
    return found;
  }
}

function keyOf(id: string): number {
  return parseInt(id.slice(0, DIGITS), HEXADECIMAL);
}
