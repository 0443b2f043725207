const CLEAR_LINE = '\r\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** Lines at the end of a terminal that are drawn over each other. None may be wider than the terminal. */
export class Redrawn {
  #lines = 0;

  constructor(private readonly terminal: { write(text: string): unknown }) {}

  draw(lines: readonly string[]): void {
    this.terminal.write(this.#erasure() + lines.join('\n'));
    this.#lines = lines.length;
  }

  /** Leaves the lines as they are. */
  keep(): void {
    if (this.#lines > 0) this.terminal.write('\n');
    this.#lines = 0;
  }

  /** Removes the lines, so that something else can be written in their place. */
  erase(): void {
    if (this.#lines > 0) this.terminal.write(this.#erasure());
    this.#lines = 0;
  }

  #erasure(): string {
    return this.#lines > 1 ? `${CLEAR_LINE}\u001b[${String(this.#lines - 1)}A${CLEAR_BELOW}` : CLEAR_LINE;
  }
}
